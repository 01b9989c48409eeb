"""The external system: which callback an action means, and when."""

import pytest

from tests.conformance.outside import Outside


class Answers:
    """A service that keeps what it is told."""

    def __init__(self):
        self.given = []

    def succeed(self, callback_id, result):
        self.given.append((callback_id, result))

    def fail(self, callback_id, error):
        self.given.append((callback_id, error))

    def heartbeat(self, callback_id):
        self.given.append((callback_id, "alive"))


def taken(actions, *looks, variables=None):
    """What is answered when these callbacks are seen, one look after the other."""
    answers = Answers()
    outside = Outside(actions, variables or {}, answers)
    for callbacks in looks:
        outside.look(callbacks)
    return answers.given


def action(operation, name="*", **more):
    return {"Operation": operation, "CallbackName": name, **more}


def test_a_payload_is_json():
    """What is answered is the payload as JSON, with variables' values; none if there is none."""
    actions = [action("success", Payload={"id": "${ID}"})]
    assert taken(actions, [("a", None)], variables={"ID": "x"}) == [("a", '{"id": "x"}')]
    assert taken([action("success")], [("a", None)]) == [("a", None)]


def test_an_error_is_what_it_says():
    """A failure brings its type and message."""
    error = {"ErrorType": "E", "ErrorMessage": "m"}
    assert taken([action("failure", Payload=error)], [("a", "n")]) == [("a", error)]


def test_an_action_waits_for_its_callback():
    """An action means the callback of its name, whenever it comes."""
    actions = [action("success", "second"), action("success", "first")]
    assert taken(actions, [("a", "first")], [("b", "second")]) == [("a", None), ("b", None)]


def test_a_callback_gets_one_answer():
    """The second of two actions that mean any callback means the second one; a heartbeat takes none away."""
    actions = [action("heartbeat"), action("success", Payload=1), action("success", Payload=2)]
    looks = [("a", None)], [("a", None)], [("a", None), ("b", None)]
    assert taken(actions, *looks) == [("a", "alive"), ("a", "1"), ("b", "2")]


def test_an_action_is_taken_after_its_delay():
    """Until then nothing happens."""
    assert taken([action("success", Delay=3600)], [("a", None)], [("a", None)]) == []


def test_an_unknown_action_is_refused():
    """A requirement with a new kind of action needs a new kind of answer."""
    with pytest.raises(ValueError, match="not known"):
        taken([action("shrug")], [("a", None)])
