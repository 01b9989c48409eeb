"""Serializers of a user's own, and the two others that ship."""

from typing import Any

import pytest

from durably.workflows.exceptions import RetryableSerDesError, SerDesError
from durably.workflows.serdes import (
    DEFAULT_JSON_SERDES,
    ExtendedTypeSerDes,
    JsonSerDes,
    PassThroughSerDes,
    SerDes,
    SerDesContext,
    deserialize,
    serialize,
)


class Recorder(SerDes[Any]):
    """Keeps the contexts that it was asked in, and answers or raises as told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.contexts: list[SerDesContext] = []

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return self.deserialize(value, serdes_context)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        self.contexts.append(serdes_context)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_serdes_is_told_for_which_operation_it_works() -> None:
    """Its context carries the operation's id and the execution's ARN."""
    own = Recorder("text")
    assert serialize(own, 1, "op", "arn") == "text"
    assert deserialize(own, "x", "op", "arn") == "text"
    assert own.contexts == [SerDesContext("op", "arn")] * 2


@pytest.mark.parametrize("error", [SerDesError("no", data="d"), RetryableSerDesError("later")])
def test_an_error_that_a_serdes_classified_passes_as_it_is(error: Exception) -> None:
    """Its data and its kind reach the operation."""
    for call in (
        lambda: serialize(Recorder(error), 1, "op", "arn"),
        lambda: deserialize(Recorder(error), "", "op", ""),
    ):
        with pytest.raises(type(error)) as raised:
            call()
        assert raised.value is error


def test_any_other_error_of_a_serdes_is_a_serdes_error_with_its_cause() -> None:
    """The operation's id and the original message are in it."""
    broken = KeyError("gone")
    with pytest.raises(SerDesError, match=r"op, error: 'gone'") as raised:
        serialize(Recorder(broken), 1, "op", "arn")
    assert raised.value.__cause__ is broken
    with pytest.raises(SerDesError, match=r"op, error: 'gone'"):
        deserialize(Recorder(broken), "", "op", "arn")


def test_a_serdes_that_gives_no_text_is_refused() -> None:
    """A dict where text belongs is found out at once, not by the service; None stands for no payload."""
    with pytest.raises(SerDesError, match=r"PassThroughSerDes\.serialize returned a dict"):
        serialize(PassThroughSerDes[Any](), {"a": 1}, "op", "arn")
    assert serialize(PassThroughSerDes[Any](), None, "op", "arn") is None


def test_json_serdes_is_plain_json() -> None:
    """Tuples come back as lists, and what JSON has not is refused."""
    assert serialize(DEFAULT_JSON_SERDES, {"a": (1, 2)}, "op", "arn") == '{"a": [1, 2]}'
    assert deserialize(JsonSerDes[Any](), '{"a": [1, 2]}', "op", "arn") == {"a": [1, 2]}
    with pytest.raises(SerDesError):
        serialize(DEFAULT_JSON_SERDES, {1, 2}, "op", "arn")


async def _step(step: object) -> int:
    """As a newcomer may write one."""
    return 1


def test_what_is_a_slip_rather_than_a_value_is_told_as_such() -> None:
    """An async function called as a step, and a decorated one that was not called."""
    own, coroutine = ExtendedTypeSerDes[Any](), _step(None)
    with pytest.raises(SerDesError, match="the function is async"):
        own.serialize(coroutine)
    coroutine.close()
    with pytest.raises(SerDesError, match="is called first, with its arguments"):
        own.serialize(lambda step: 1)


def test_the_default_serializer_works_by_itself() -> None:
    """It needs no context, and names the operation when it has one."""
    own = ExtendedTypeSerDes[Any]()
    assert own.deserialize(own.serialize((1,))) == (1,)
    with pytest.raises(SerDesError, match=r"<class 'set'>: .* give a serdes, such as typed\(\)"):
        own.serialize({1})
    with pytest.raises(SerDesError, match="operation op"):
        own.serialize({1}, SerDesContext("op"))
    assert SerDes.is_primitive([1, ["a"]])
    assert not SerDes.is_primitive((1,))
