"""Where plugins are told otherwise than by AWS's SDK, and why: the whole list.

Scenarios in which the workflow itself goes otherwise are in `tests/reference/differences.py`.
"""

TAKEN_FOR_NEW = (
    "Operations that go on, or that the service completed between two invocations: AWS's SDK tells of them "
    "only up to the first operation that is not complete, and not inside virtual contexts. Ours tells of all."
)

DIFFERENCES = {
    "virtual_children": TAKEN_FOR_NEW,
    "a_virtual_block_that_gives_up": TAKEN_FOR_NEW,
    "failures_of_everything_in_a_virtual_child": TAKEN_FOR_NEW,
    "callbacks_that_are_answered_out_of_order": TAKEN_FOR_NEW,
    "payloads_that_cannot_be_sent": TAKEN_FOR_NEW,
}

CRASHES = (
    "a_step_interrupted_in_its_body",
    "an_at_most_once_step_interrupted_with_an_attempt_left",
    "a_crash_before_a_result_is_recorded",
    "a_crash_after_a_result_is_recorded",
    "a_crash_after_a_wait_has_started",
    "a_crash_before_a_childs_end",
    "a_crash_after_a_childs_failure",
    "a_crash_after_the_end_of_a_large_child",
    "a_crash_in_a_branch_while_others_wait",
    "a_wait_that_is_refused_for_good",
    "history_that_cannot_be_read_for_now",
    "history_that_cannot_be_read",
)
"""The crashes that are compared. In the others what had been recorded before depends on which updates travel
together; and ours takes in the answer that withdraws the token, with the ends of operations in it."""
