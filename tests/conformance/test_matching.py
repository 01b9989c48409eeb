"""The language of requirements: what matches, what is bound, and what is said of a log."""

import pytest

from tests.conformance.matching import expand, log_faults, mismatches
from tests.conformance.outcomes import Outcome, judge
from tests.conformance.requirements import Requirement, generate


def differs(expected, actual, variables=None, **options) -> list[str]:
    return [
        str(each) for each in mismatches(expected, actual, {} if variables is None else variables, **options)
    ]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("*", None),
        ("*", {"a": 1}),
        ({}, {"a": 1}),
        ({"a": "*"}, {"a": 1, "b": 2}),
        ([1, "*"], [1, 2]),
        ("${/^[0-5]$/}", 3),
        ("${/.*TransientError$/}", "app.TransientError"),
        (3, 3),
        (None, None),
    ],
)
def test_it_matches(expected, actual):
    """A star, a part of a mapping, an expression, and what is equal match."""
    assert differs(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({}, None),
        ({"a": "*"}, {}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ([1], [1, 2]),
        (["a"], "a"),
        ("${/^[0-5]$/}", 6),
        (1, True),
        (False, 0),
        ("1", 1),
    ],
)
def test_it_does_not_match(expected, actual):
    """What is absent, has another value, length or type does not."""
    assert len(differs(expected, actual)) == 1


def test_a_mapping_may_have_more_unless_it_must_be_exact():
    """Of a result all is said, of an event only what matters."""
    assert differs({"a": 1}, {"a": 1, "b": 2}) == []
    assert differs({"a": 1}, {"a": 1, "b": 2}, exact=True) == [".b: not expected"]


def test_a_variable_is_bound_by_its_first_use():
    """Afterwards only the same value matches."""
    variables = {}
    assert (
        differs(
            [{"Id": "${A}"}, {"Id": "${B}", "ParentId": "${A}"}],
            [{"Id": "x"}, {"Id": "y", "ParentId": "x"}],
            variables,
        )
        == []
    )
    assert variables == {"A": "x", "B": "y"}
    assert differs("${A}", "y", variables) == [": expected 'x', got 'y'"]


def test_a_variable_in_a_text_has_its_value():
    """A payload is JSON: its quotes are part of the text."""
    assert differs('"${NAME}"', '"x"', {"NAME": "x"}) == []
    assert expand({"a": ["Hello, ${NAME}!", "${NAME}", 1]}, {"NAME": "x"}) == {"a": ["Hello, x!", "x", 1]}


def test_a_value_is_generated():
    """As long as was asked for, and another each time."""
    assert len(generate("${GEN_STR:8}")) == 8
    assert generate("${GEN_STR:20}") != generate("${GEN_STR:20}")
    assert generate("plain") == "plain"


RECORDS = [
    {"plugin": "P", "hook": "start", "first": True, "n": 1},
    {"message": "Hello, a.b!"},
    {"plugin": "P", "hook": "end", "status": "SUCCEEDED"},
]


@pytest.mark.parametrize(
    "expectation",
    [
        {"match": {"hook": "start", "first": True}, "count": 1},
        {"match": {"hook": "start", "first": False}, "count": 0},
        {"match": {"message": "/Hello, ${NAME}/"}, "count": 1},
        {"match": {"plugin": "/.+/"}, "min_count": 2},
        {"match": {"n": "/^\\d+$/"}, "count": 1},
        {"match": {"status": "/(?i)succ/"}, "count": 1},
        {"match": {"hook": "end"}, "count": 1, "after": [{"message": "/Hello/"}, {"hook": "start"}]},
    ],
)
def test_a_log_is_as_expected(expectation):
    """Records are counted by some of their fields, and come after others."""
    assert log_faults([expectation], RECORDS, {"NAME": "a.b"}) == []


@pytest.mark.parametrize(
    "expectation",
    [
        {"match": {"hook": "start"}, "count": 2},
        {"match": {"plugin": "/.+/"}, "min_count": 3},
        {"match": {"message": "/Hello, ${NAME}/"}, "count": 0},
        {"match": {"hook": "start"}, "count": 1, "after": [{"hook": "end"}]},
        {"match": {"hook": "end"}, "count": 1, "after": [{"hook": "never"}]},
    ],
)
def test_a_log_is_not_as_expected(expectation):
    """A wrong number and a wrong order are found."""
    assert len(log_faults([expectation], RECORDS, {"NAME": "a.b"})) == 1


REQUIREMENT = Requirement(
    "1-1",
    "step",
    "",
    {
        "ExpectedResult": {"ExecutionStatus": "SUCCEEDED", "Result": {"n": 1}},
        "ExpectedExecutionHistory": [
            {"EventType": "StepStarted", "EventId": 2, "Id": "${ID}"},
            {"EventType": "StepSucceeded", "Id": "${ID}", "StepSucceededDetails": {"Result": "*"}},
        ],
        "ExpectedLogs": [{"match": {"op": "${ID}"}, "count": 1}],
    },
)
EVENTS = [
    {"EventType": "ExecutionStarted", "EventId": 1},
    {"EventType": "StepStarted", "EventId": 2, "Id": "x"},
    {"EventType": "WaitStarted", "EventId": 3, "Id": "w"},
    {"EventType": "StepSucceeded", "EventId": 4, "Id": "x", "StepSucceededDetails": {"Result": {}}},
]


def test_an_outcome_is_as_required():
    """Events that nobody asks for are ignored, and what the history binds holds in the log."""
    verdict = judge(REQUIREMENT, Outcome("SUCCEEDED", '{"n": 1}', EVENTS, [{"op": "x"}]), {})
    assert (verdict.faults, verdict.untold) == ([], set())


def test_an_outcome_is_not_as_required():
    """Status, result, events and logs are each held against what is required."""
    assert "status" in judge(REQUIREMENT, Outcome("FAILED", None, EVENTS, [{"op": "x"}]), {}).faults[0]
    other = judge(REQUIREMENT, Outcome("SUCCEEDED", '{"n": 2}', EVENTS[:1], []), {})
    assert [fault.partition(":")[0] for fault in other.faults[:3]] == [
        "result.n",
        "event 2 StepStarted",
        "event 3 StepSucceeded",
    ]


def test_what_a_service_never_tells_is_no_fault():
    """An absent field that is known to be absent is told apart from a wrong one."""
    events = [*EVENTS[:3], {**EVENTS[3], "StepSucceededDetails": {}}]
    outcome = Outcome("SUCCEEDED", '{"n": 1}', events, [{"op": "x"}])
    field = "StepSucceeded.StepSucceededDetails.Result"
    assert judge(REQUIREMENT, outcome, {}).faults
    verdict = judge(REQUIREMENT, outcome, {}, [field])
    assert (verdict.faults, verdict.untold) == ([], {field})
