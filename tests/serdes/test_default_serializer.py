"""The default serializer beside AWS's own: the same text, the same value back, the same refusals.

The corpus is generated from a fixed seed, so that every run asks the same; a differing value is shown
by the assertion.
"""

import enum
import math
import random
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import aws_durable_execution_sdk_python.concurrency.models as official_models
import aws_durable_execution_sdk_python.exceptions as official_exceptions
import aws_durable_execution_sdk_python.serdes as official
import pytest

from durably.workflows import serdes
from durably.workflows.concurrency.models import BatchResult
from durably.workflows.exceptions import SerDesError


class Point(NamedTuple):
    x: Any
    y: Any


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


class Numbers(list[Any]):
    pass


LEAVES: list[Callable[[random.Random], Any]] = [
    lambda _: None,
    lambda r: r.choice([True, False]),
    lambda r: r.randrange(-(10**6), 10**6),
    lambda r: r.choice([0, -1, 2**63, -(2**70), 10**40]),
    lambda r: r.uniform(-1e6, 1e6),
    lambda r: r.choice([0.0, -0.0, 1e-320, 1e308, math.inf, -math.inf, math.nan]),
    lambda r: "".join(r.choice('ab"\\\n\t\x00\x7f é€\u2028𝄞\ud800') for _ in range(r.randrange(8))),
    lambda r: r.choice([Color.RED, Level.HIGH, Text("sub"), Text("")]),
    lambda r: r.randbytes(r.randrange(5)),
    lambda r: bytearray(r.randbytes(3)),
    lambda r: memoryview(r.randbytes(3)),
    lambda r: uuid.UUID(int=r.getrandbits(128)),
    lambda r: r.choice(
        [Decimal("1.10"), Decimal("NaN"), Decimal("-0"), Decimal("1E+5"), Decimal("Infinity")]
    ),
    lambda r: datetime(2024, r.randrange(1, 13), 2, 3, 4, 5, r.choice([0, 1, 999999])),  # noqa: DTZ001  # naive on purpose
    lambda r: datetime(2024, 1, 2, tzinfo=r.choice([UTC, timezone(timedelta(hours=-5, minutes=-30))])),
    lambda r: date(r.randrange(1, 9999), 1, 2),
]
REFUSED: list[Callable[[random.Random], Any]] = [
    lambda _: {1, 2},
    lambda _: frozenset(),
    lambda _: time(1, 2),
    lambda _: timedelta(1),
    lambda _: 1j,
    lambda _: object,
    lambda _: {(1, 2): 1},
    lambda _: {b"k": 1},
    lambda _: {frozenset(): {1: {(1,): 2}}},
    lambda _: range(3),
]
KEYS: list[Any] = [
    "a",
    "",
    "t",
    "v",
    "é",
    1,
    -1,
    2.5,
    math.inf,
    math.nan,
    None,
    True,
    False,
    Color.RED,
    Level.HIGH,
]


def value_of(r: random.Random, depth: int) -> Any:
    kind = r.randrange(12)
    if depth <= 0 or kind < 5:
        return r.choice(LEAVES)(r)
    if kind == 5 and r.random() < 0.15:
        return r.choice(REFUSED)(r)
    members = [value_of(r, depth - 1) for _ in range(r.randrange(4))]
    if kind < 8:
        return members
    if kind == 8:
        return tuple(members)
    if kind == 9:
        return Point(value_of(r, depth - 1), value_of(r, depth - 1))
    if kind == 10:
        return Numbers(members)
    return r.choice([dict, OrderedDict])(zip(r.sample(KEYS, len(members)), members, strict=True))


def outcome(call: Callable[..., Any], *args: Any) -> tuple[str, Any]:
    try:
        return "value", call(*args)
    except (SerDesError, official_exceptions.SerDesError) as error:
        return "refused", type(error).__name__


def same(a: Any, b: Any) -> bool:
    """Equal in value and type, a NaN to a NaN, ours of a class to theirs."""
    if isinstance(a, BatchResult):
        return type(b).__name__ == "BatchResult" and same(a.to_dict(), b.to_dict())
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return repr(a) == repr(b)


def both_serialize(value: Any, theirs: Any = None) -> tuple[str, Any]:
    ours = outcome(serdes.serialize, None, value, "op", "arn")
    expected = outcome(official.serialize, None, value if theirs is None else theirs, "op", "arn")
    assert ours == expected, repr(value)
    return ours


def both_deserialize(text: Any) -> None:
    ours = outcome(serdes.deserialize, None, text, "op", "arn")
    expected = outcome(official.deserialize, None, text, "op", "arn")
    assert ours[0] == expected[0], (text, ours, expected)
    assert same(ours[1], expected[1]), (text, ours, expected)


@pytest.mark.parametrize("seed", range(40))
def test_a_value_has_the_text_that_it_has_there_and_comes_back_as_there(seed: int) -> None:
    """Whatever is serialized, both SDKs write the same text, read it alike, and refuse alike."""
    r = random.Random(seed)
    for _ in range(60):
        kind, text = both_serialize(value_of(r, 4))
        if kind == "value":
            both_deserialize(text)


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: repr(make(random.Random(0))))
@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: [v], lambda v: {"k": (v,)}], ids=["bare", "list", "deep"]
)
def test_a_type_without_a_text_is_refused_wherever_it_stands(make: Any, wrap: Any) -> None:
    """A set, a time, a tuple key and their like are a SerDesError in both."""
    assert both_serialize(wrap(make(random.Random(0))))[0] == "refused"


@pytest.mark.parametrize(
    "value",
    [
        [1, "a", None],
        [[1], [[]]],
        [Color.RED, Level.HIGH],
        Numbers([1]),
        math.nan,
        [math.inf],
        True,
        Text("x"),
        [],
    ],
)
def test_primitives_and_lists_of_them_are_plain_json(value: Any) -> None:
    """Nothing is tagged that JSON keeps."""
    assert '"t"' not in both_serialize(value)[1]


MALFORMED = [
    "",
    "{",
    "null null",
    "\ufeff1",
    '{"a":1}',
    "{}",
    '[{"a":1}]',
    '[{"t":"i","v":1}]',
    '{"t":"i"}',
    '{"v":1}',
    '{"t":"nope","v":1}',
    '{"t":null,"v":1}',
    '{"t":[],"v":1}',
    '{"t":{},"v":1}',
    '{"t":1,"v":1}',
    '{"t":"i","v":"5"}',
    '{"t":"i","v":1.9}',
    '{"t":"i","v":null}',
    '{"t":"i","v":NaN}',
    '{"t":"i","v":Infinity}',
    '{"t":"s","v":5}',
    '{"t":"s","v":{"x":[1]}}',
    '{"t":"b","v":"false"}',
    '{"t":"b","v":[]}',
    '{"t":"n","v":3}',
    '{"t":"f","v":"1e3"}',
    '{"t":"f","v":"x"}',
    '{"t":"f","v":1}',
    '{"t":"f","v":[]}',
    '{"t":"B","v":"aGk"}',
    '{"t":"B","v":"aGk="}',
    '{"t":"B","v":"a!Gk="}',
    '{"t":"B","v":5}',
    '{"t":"u","v":"x"}',
    '{"t":"u","v":5}',
    '{"t":"u","v":"{12345678-1234-5678-1234-567812345678}"}',
    '{"t":"d","v":"x"}',
    '{"t":"d","v":1.5}',
    '{"t":"d","v":[0,[1,2],-1]}',
    '{"t":"d","v":null}',
    '{"t":"dt","v":"2024-01-02T03:04:05Z"}',
    '{"t":"dt","v":"2024-01-02"}',
    '{"t":"dt","v":"nope"}',
    '{"t":"dt","v":5}',
    '{"t":"D","v":"2024-01-02"}',
    '{"t":"D","v":"2024-01-02T03:04:05"}',
    '{"t":"D","v":null}',
    '{"t":"l","v":{}}',
    '{"t":"l","v":[1,"a",[1]]}',
    '{"t":"l","v":[[{"t":"i","v":1}]]}',
    '{"t":"l","v":[{"t":"i"}]}',
    '{"t":"l","v":[{"t":"zz","v":1}]}',
    '{"t":"t","v":"ab"}',
    '{"t":"t","v":[{"t":"t","v":[]}]}',
    '{"t":"m","v":[]}',
    '{"t":"m","v":{"a":1}}',
    '{"t":"m","v":{"t":1,"v":2}}',
    '{"t":"m","v":{"t":{"t":"i","v":1},"v":{"t":"i","v":2}}}',
    '{"t":"i","v":1,"extra":2}',
    '{"t":"i","v":1,"v":2}',
    '{"t":"br","v":[]}',
    '{"t":"br","v":{}}',
    '{"t":"br","v":{"all":{"t":"l","v":[]}}}',
    '{"t":"br","v":{"all":[],"completionReason":"ALL_COMPLETED"}}',
    '{"t":"br","v":{"all":[],"completionReason":"WHATEVER"}}',
    '{"t":"br","v":{"all":[{"index":1}]}}',
    '{"t":"br","v":{"all":[{"index":0,"status":"FAILED"},{"index":1,"status":"SUCCEEDED"}]}}',
    '{"t":"br","v":{"all":[{"index":0,"status":"FAILED","error":{"ErrorType":"E"}}],"completionReason":null}}',
    "[" * 50_000,
    '{"t":"l","v":[' * 50_000,
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:40])
def test_text_that_nobody_wrote_is_read_or_refused_as_there(text: str) -> None:
    """Odd and malformed envelopes give the same value, or the same refusal, in both."""
    both_deserialize(text)


@pytest.mark.parametrize("data", [None, 5, b'{"t":"i","v":1}', [], {"t": "i", "v": 1}])
def test_a_payload_that_is_no_text_is_read_or_refused_as_there(data: Any) -> None:
    """What is no str is left to the JSON parser by both."""
    both_deserialize(data)


def test_a_value_that_contains_itself_is_refused() -> None:
    """A cycle is a SerDesError, not a crash."""
    loop: list[Any] = []
    loop.append(loop)
    nested: dict[str, Any] = {}
    nested["self"] = nested
    for value in (loop, nested):
        assert both_serialize(value)[0] == "refused"


@pytest.mark.parametrize("seed", range(10))
def test_a_batch_has_the_text_that_it_has_there(seed: int) -> None:
    """A BatchResult, bare and nested, is written and read alike, errors and all."""
    r = random.Random(seed)
    error = {"ErrorMessage": "no", "ErrorType": "app.E", "ErrorData": "{}", "StackTrace": ["a", "b"]}
    wire = {
        "all": [
            {"index": 0, "status": "SUCCEEDED", "result": r.choice(LEAVES)(r), "error": None},
            {"index": 1, "status": "FAILED", "result": None, "error": error},
            {"index": 2, "status": "FAILED", "result": None, "error": {"ErrorType": "app.E"}},
            {"index": 4, "status": "STARTED", "result": None, "error": None},
        ],
        "completionReason": r.choice(list(official_models.CompletionReason)).value,
    }
    ours, theirs = BatchResult[Any].from_dict(wire), official_models.BatchResult[Any].from_dict(wire)
    for wrap in (lambda v: v, lambda v: [v, 1], lambda v: {"k": v}):
        kind, text = both_serialize(wrap(ours), wrap(theirs))
        assert kind == "value"
        both_deserialize(text)


def test_a_refusal_names_the_operation_and_the_type() -> None:
    """The error says which operation returned what."""
    with pytest.raises(SerDesError, match=r"<class 'set'>.*step-7"):
        serdes.serialize(None, {"a": {1}}, "step-7", "arn")
    with pytest.raises(SerDesError, match=r"step-7"):
        serdes.deserialize(None, '{"a":1}', "step-7", "arn")
