"""What our updates are meant to have otherwise than AWS's, and why: the whole list."""

import attrs


@attrs.frozen
class Difference:
    """What is not compared in one scenario.

    Args:
        reason: why it is meant to differ.
        parts: which parts of a run differ; none of them if only the words of errors do.
    """

    reason: str
    parts: frozenset[str] = frozenset()


WORDING = Difference(
    "The SDK's own message: ours says what was wrong, where, and what to do. The type is the same."
)
EVERYTHING = frozenset({"output", "endings", "updates", "all updates", "operations"})

DIFFERENCES = {
    **dict.fromkeys(
        (
            # Which operation's result it is that cannot be serialized.
            "a_result_that_cannot_be_serialized",
            "a_result_of_a_handler_that_is_not_json",
            "an_unserializable_result_that_is_caught_and_replayed",
            "a_childs_result_that_cannot_be_serialized",
            "a_branch_whose_result_cannot_be_serialized",
            "a_flat_branch_whose_result_cannot_be_serialized",
            "a_submitter_whose_result_cannot_be_serialized",
            "waiting_for_an_answer_that_becomes_what_cannot_be_recorded",
            "an_initial_state_that_cannot_be_serialized",
            "a_state_that_cannot_be_serialized",
            # Which attempt was interrupted.
            "an_at_most_once_step_interrupted_with_an_attempt_left",
            "an_at_most_once_step_interrupted_in_its_last_attempt",
            "an_interrupted_at_most_once_step_that_is_caught",
            "an_at_most_once_step_interrupted_in_a_branch",
            "a_token_withdrawn_before_an_at_most_once_body",
            # What was recorded, and what is called now.
            "a_step_that_was_renamed",
            "a_step_that_became_a_wait",
            "a_subtype_that_changed",
            "a_child_that_became_virtual",
            "a_child_that_changed_inside",
            "a_large_map_that_went_flat",
            "a_map_under_way_that_went_flat",
            "a_map_under_way_that_went_nested",
            "a_large_map_without_operations_that_went_flat",
            "a_large_map_that_went_nested",
            "branches_that_changed_their_names",
            "a_map_that_became_a_parallel",
            "a_callback_that_was_renamed",
            "a_callback_whose_subtype_changed",
            "a_callback_that_became_an_invoke",
            "a_callback_and_a_step_that_became_a_wait_for_a_callback",
            "an_invoke_that_became_a_step",
            "an_invoke_that_was_renamed",
            "a_step_that_became_a_condition",
            "a_condition_that_was_renamed",
            "a_child_that_became_a_wait_for_a_callback",
            # Which argument it is that is too small.
            "a_block_whose_strategy_waits_no_time",
        ),
        WORDING,
    ),
    **dict.fromkeys(
        ("a_wait_of_more_than_a_year", "a_name_that_is_not_ascii", "an_invoke_of_more_than_a_mebibyte"),
        Difference(
            "AWS's SDK sends what the service refuses; ours refuses the argument before anything is sent.",
            frozenset({"output"}),
        ),
    ),
    "a_retry_strategy_that_raises": Difference(
        "AWS's SDK leaves the step STARTED and fails the execution; ours records the failure of the step, "
        "with what the strategy raised.",
        frozenset({"output", "updates", "all updates", "operations"}),
    ),
    "a_block_whose_strategy_decides_nothing": Difference(
        "AWS's SDK fails with an AttributeError about NoneType; ours with a ValidationError that names the "
        "argument.",
        frozenset({"output", "updates", "all updates", "operations"}),
    ),
    "a_block_that_changed": Difference(
        "AWS's SDK shows with_retry's strategy that the code has changed, and goes on below what was "
        "recorded; ours fails the execution, as it does outside a block.",
        EVERYTHING,
    ),
    "a_wait_strategy_that_decides_nothing": Difference(
        "AWS's SDK fails the condition with an AttributeError about NoneType; ours with a ValidationError "
        "that names the argument.",
        frozenset({"output", "updates", "all updates", "operations"}),
    ),
    "a_delay_of_more_than_a_year": Difference(
        "AWS's SDK sends what the service refuses, and fails the execution; ours fails the condition, which "
        "user code can catch.",
        EVERYTHING,
    ),
    "a_check_that_gives_up": Difference(
        "An ExecutionError ends the execution, wherever it is raised. AWS's SDK makes a "
        "WaitForConditionError of one in a check, which user code may catch.",
        EVERYTHING,
    ),
    "a_state_that_is_written_as_an_empty_text": Difference(
        "AWS's SDK takes an empty stored state for none, and goes on from the initial one.",
        EVERYTHING,
    ),
    **dict.fromkeys(
        ("an_invoke_that_times_out_without_a_word", "an_invoke_that_is_stopped_without_a_word"),
        Difference(
            "Of an operation that ended otherwise than by failing, and without an error, AWS's SDK says that "
            "the error is unknown; ours says how it ended.",
            frozenset({"output"}),
        ),
    ),
    "an_invoke_that_is_cancelled": Difference(
        "AWS's SDK waits for ever for an invoke that was cancelled; ours raises an InvokeError.",
        EVERYTHING,
    ),
    **dict.fromkeys(
        (
            "a_callback_that_is_answered_while_another_branch_works",
            "an_invoke_that_fails_while_another_branch_works",
            "an_answer_that_comes_while_another_branch_works",
        ),
        Difference(
            "What a response tells AWS's SDK of a suspended branch it makes use of in the next invocation; "
            "ours goes on with the branch at once.",
            frozenset({"endings"}),
        ),
    ),
    **dict.fromkeys(
        (
            "an_error_of_40_kilobytes_in_a_step",
            "waiting_for_an_answer_that_is_a_huge_failure",
            "an_invoke_that_fails_hugely_in_a_child",
        ),
        Difference(
            "The service takes errors of 32 KB at most. AWS's SDK sends a longer one, and the refusal fails "
            "the execution; ours shortens it, and user code can catch what the operation raises.",
            EVERYTHING,
        ),
    ),
    "an_error_that_no_checkpoint_takes": Difference(
        "The same for the error of the execution itself: ours is recorded, shortened.",
        frozenset({"output", "updates", "all updates", "operations"}),
    ),
    "a_result_that_no_checkpoint_takes": Difference(
        "The service takes payloads of 6 MiB at most. AWS's SDK sends a longer one and fails the execution "
        "with the refusal; ours does not send it, and fails it with a SerDesError that says what to do.",
        frozenset({"output"}),
    ),
    "a_large_child_that_changed": Difference(
        "A context that was recorded as complete is run again for its result. An operation that it never had "
        "is sent by AWS's SDK, below a finished context; ours calls it non-deterministic.",
        EVERYTHING,
    ),
}
