"""`typed()`: values of an annotated type come back equal, from JSON that anybody can read."""

import collections
import datetime as dt
import enum
import ipaddress
import json
import math
import random
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import attrs
import pytest

from durably.workflows.exceptions import SerDesError
from durably.workflows.serdes import SerDes, SerDesContext, typed

T = TypeVar("T")
U = TypeVar("U")
CONTEXT = SerDesContext("op-1", "arn")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Word(enum.StrEnum):
    YES = "yes"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 3


class Shape(enum.Enum):
    ROUND = (1, 2)
    FLAT = None


class Right(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Point(NamedTuple):
    x: int
    y: Decimal = Decimal(0)


class Span(NamedTuple, Generic[T]):
    low: T
    high: T | None = None


class Of(TypedDict, Generic[T]):
    all: list[T]


class Options(TypedDict):
    name: str
    limit: NotRequired[dt.timedelta]


class Partial(TypedDict, total=False):
    at: dt.date


@attrs.frozen
class Money:
    amount: Decimal
    currency: str = "EUR"
    _note: str = attrs.field(default="", kw_only=True)
    digits: int = attrs.field(init=False, default=2)


@dataclass
class Line:
    sku: str
    price: Money
    tags: frozenset[str] = frozenset()
    _count: int = field(default=1, kw_only=True)


@dataclass(frozen=True, slots=True)
class Order:
    id: uuid.UUID
    lines: list[Line]
    at: dt.datetime
    color: Color | None = None
    parent: Optional["Order"] = None  # as older code has it
    limits: dict[Color, tuple[int, ...]] = field(default_factory=dict)


@attrs.define
class Page(Generic[T]):
    items: list[T]
    next: "Page[T] | None" = None


@dataclass
class Pair(Generic[T, U]):
    left: T
    right: dict[str, U]


@dataclass
class Orders(Pair[int, list[T]], Generic[T]):
    more: T | None = None


@dataclass
class Tree:
    value: int
    children: list["Tree"] = field(default_factory=list)
    by_name: dict[str, "Tree"] = field(default_factory=dict)


@dataclass
class Card:
    number: str


@dataclass
class Cash:
    number: str


@dataclass
class Tagged:
    _type: str


@dataclass
class Linked:
    _type: str
    next: "Linked | Card | None" = None


Payment = Card | Cash
Name = NewType("Name", str)
EVERY_LITERAL = Literal["a", 1, None, True, Color.BLUE, b"x"]  # noqa: PYI061  # each by itself


def round_trip(type_: Any, value: Any) -> Any:
    """The value, back from its text; the text must be JSON that every parser takes."""
    serdes: SerDes[Any] = typed(type_)
    text = serdes.serialize(value, CONTEXT)
    json.loads(text, parse_constant=pytest.fail)
    return serdes.deserialize(text, CONTEXT)


def text(type_: Any, value: Any) -> str:
    return typed(type_).serialize(value, CONTEXT)


def refused(type_: Any, value: Any) -> str:
    """Why it is not serialized."""
    with pytest.raises(SerDesError) as caught:
        typed(type_).serialize(value, CONTEXT)
    return str(caught.value)


def unreadable(type_: Any, data: str) -> str:
    """Why it is not read."""
    with pytest.raises(SerDesError) as caught:
        typed(type_).deserialize(data, CONTEXT)
    return str(caught.value)


UTC = dt.UTC
WHEN = dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ID = uuid.UUID(int=7)


class TestWhatComesBack:
    @pytest.mark.parametrize(
        ("type_", "value", "json_text"),
        [
            (None, None, "null"),
            (bool, True, "true"),
            (int, 10**40, "1" + 40 * "0"),
            (float, 2.5, "2.5"),
            (float, 2, "2.0"),
            (float, -math.inf, '"-Infinity"'),
            (str, 'é"\ud800', r'"\u00e9\"\ud800"'),
            (bytes, b"hi\xff", '"aGn/"'),
            (bytearray, bytearray(b"hi"), '"aGk="'),
            (uuid.UUID, ID, f'"{ID}"'),
            (Decimal, Decimal("1.10"), '"1.10"'),
            (dt.datetime, WHEN, '"2024-01-02T03:04:05.000006+00:00"'),
            (dt.datetime, WHEN.replace(tzinfo=None), '"2024-01-02T03:04:05.000006"'),
            (dt.date, dt.date(2024, 1, 2), '"2024-01-02"'),
            (dt.time, dt.time(1, 2, 3, 4), '"01:02:03.000004"'),
            (dt.timedelta, dt.timedelta(days=1, seconds=3661, microseconds=500), '"P1DT1H1M1.0005S"'),
            (dt.timedelta, -dt.timedelta(microseconds=1), '"-P0DT0H0M0.000001S"'),
            (dt.timedelta, dt.timedelta.min, '"-P999999999DT0H0M0S"'),
            (dt.timedelta, dt.timedelta.max, '"P999999999DT23H59M59.999999S"'),
            (Path, Path("/a/ü"), r'"/a/\u00fc"'),
            (PurePosixPath, PurePosixPath("a"), '"a"'),
            (ipaddress.IPv4Address, ipaddress.IPv4Address("10.0.0.1"), '"10.0.0.1"'),
            (Color, Color.RED, '"red"'),
            (Word, Word.YES, '"yes"'),
            (Level, Level.HIGH, "3"),
            (Shape, Shape.FLAT, '"FLAT"'),
            (Right, Right.READ | Right.WRITE, "3"),
            (EVERY_LITERAL, Color.BLUE, '"blue"'),
            (EVERY_LITERAL, True, "true"),
            (list[int], [1], "[1]"),
            (Sequence[int], [1], "[1]"),
            (tuple[int, str], (1, "a"), '[1,"a"]'),
            (tuple[Color, ...], (Color.RED,) * 2, '["red","red"]'),
            (tuple[()], (), "[]"),
            (set[int], {1}, "[1]"),
            (frozenset[Color], frozenset({Color.RED}), '["red"]'),
            (dict[str, Decimal], {"a": Decimal(1)}, '{"a":"1"}'),
            (dict[int, int], {1: 2, -3: 4}, '{"1":2,"-3":4}'),
            (dict[bool, int], {True: 1}, '{"true":1}'),
            (dict[float, int], {0.5: 1, math.inf: 2}, '{"0.5":1,"Infinity":2}'),
            (dict[uuid.UUID, int], {ID: 1}, f'{{"{ID}":1}}'),
            (dict[Level, int], {Level.LOW: 1}, '{"1":1}'),
            (Mapping[dt.date, int], {dt.date(2024, 1, 2): 1}, '{"2024-01-02":1}'),
            (collections.OrderedDict[str, int], collections.OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
            (Any, {"a": [1, None, "x", 2.5, True]}, '{"a":[1,null,"x",2.5,true]}'),
            (list, [1, "x"], '[1,"x"]'),
            (dict, {"a": 1}, '{"a":1}'),
            (tuple, (1, "x"), '[1,"x"]'),
            (Name, "Ada", '"Ada"'),
            (Annotated[list[Annotated[int, "meta"]], {}], [1], "[1]"),
            (Point, Point(1), '{"x":1,"y":"0"}'),
            (Span[dt.date], Span(dt.date(2024, 1, 2)), '{"low":"2024-01-02","high":null}'),
            (Of[Color], {"all": [Color.RED]}, '{"all":["red"]}'),
            (Options, {"name": "n"}, '{"name":"n"}'),
            (Options, {"name": "n", "limit": dt.timedelta(1)}, '{"name":"n","limit":"P1DT0H0M0S"}'),
            (Partial, {}, "{}"),
            (Money, Money(Decimal("1.5"), note="x"), '{"amount":"1.5","currency":"EUR","_note":"x"}'),
            (
                Line,
                Line("s", Money(Decimal(1)), frozenset("a"), _count=3),
                '{"sku":"s","price":{"amount":"1","currency":"EUR","_note":""},"tags":["a"],"_count":3}',
            ),
            (
                Page[Money],
                Page([], Page([Money(Decimal(1))])),
                '{"items":[],"next":{"items":[{"amount":"1","currency":"EUR","_note":""}],"next":null}}',
            ),
            (
                Orders[dt.date],
                Orders(1, {"a": [dt.date(2024, 1, 2)]}, dt.date(2024, 1, 3)),
                None,
            ),
            (Tree, Tree(1, [Tree(2), Tree(3, [Tree(4)])], {"a": Tree(5)}), None),
            (
                Order,
                Order(ID, [], WHEN, Color.RED, Order(ID, [], WHEN), {Color.BLUE: (1, 2)}),
                None,
            ),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_a_value_comes_back_equal(self, type_: Any, value: Any, json_text: str | None):
        """And of the same class; its text is plain JSON."""
        back = round_trip(type_, value)
        assert back == value
        if type(value) is not int:
            assert type(back) is type(value)
        if json_text is not None:
            assert text(type_, value) == json_text

    def test_nan_comes_back(self):
        """As the text that other languages use for it."""
        assert math.isnan(round_trip(float, math.nan))
        assert text(list[float], [math.nan]) == '["NaN"]'

    def test_a_field_that_the_constructor_does_not_take_is_computed_again(self):
        """It is not stored."""
        assert round_trip(Money, Money(Decimal(1))).digits == 2

    def test_a_time_zone_comes_back_as_its_offset(self):
        """The same instant."""
        zone = dt.timezone(dt.timedelta(hours=-5, minutes=-30))
        assert round_trip(dt.datetime, WHEN.astimezone(zone)) == WHEN

    def test_subclasses_of_built_in_types_come_back_as_what_is_annotated(self):
        """If that is equal to them."""
        assert round_trip(str, Word.YES) == "yes"
        assert round_trip(int, Level.HIGH) == 3
        assert round_trip(dict[str, int], collections.Counter(a=2)) == {"a": 2}
        assert round_trip(set[int], frozenset({1})) == {1}

    def test_it_reads_what_other_languages_write(self):
        """A whole number for a float, a number for a Decimal, Z for UTC, other forms of durations."""
        assert typed(float).deserialize("1", CONTEXT) == 1.0
        assert typed(Decimal).deserialize("0.1", CONTEXT) == Decimal("0.1")
        assert typed(Decimal).deserialize("3", CONTEXT) == Decimal(3)
        assert typed(dt.datetime).deserialize('"2024-01-02T03:04:05.000006Z"', CONTEXT) == WHEN
        for form, value in [("PT90M", 5400), ("P1W", 604800), ("-PT1,5S", -1.5), ("+P1DT1S", 86401)]:
            assert typed(dt.timedelta).deserialize(f'"{form}"', CONTEXT).total_seconds() == value

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax of Python 3.12")
    def test_type_aliases_are_what_they_stand_for(self):
        """Of Python 3.12, with parameters too; one that contains itself is refused."""
        made: dict[str, Any] = {}
        source = "type Ids = list[int]\ntype Of[T] = dict[str, T]\ntype Loop = list[Loop]\n"
        exec(compile(source, "aliases", "exec"), made)
        assert round_trip(made["Ids"], [1]) == [1]
        assert round_trip(made["Of"][Color], {"a": Color.RED}) == {"a": Color.RED}
        with pytest.raises(SerDesError, match="contains itself"):
            typed(made["Loop"])


# ------------------------------------------------------------------ random values of random types


def a_type(r: random.Random, depth: int) -> tuple[Any, Callable[[], Any]]:
    """A type, and what makes a value of it."""
    leaves: list[tuple[Any, Callable[[], Any]]] = [
        (int, lambda: r.randrange(-(10**20), 10**20)),
        (float, lambda: r.choice([r.uniform(-1e9, 1e9), 1e-320, math.inf])),
        (str, lambda: "".join(r.choice('aé"\\\n𝄞\u2028') for _ in range(r.randrange(5)))),
        (bool, lambda: r.choice([True, False])),
        (bytes, lambda: r.randbytes(r.randrange(6))),
        (Decimal, lambda: Decimal(r.randrange(10**9)).scaleb(r.randrange(-9, 9))),
        (dt.datetime, lambda: WHEN + dt.timedelta(microseconds=r.randrange(10**15))),
        (dt.date, lambda: dt.date.fromordinal(r.randrange(1, 3_000_000))),
        (dt.time, lambda: dt.time(r.randrange(24), r.randrange(60), 0, r.randrange(10**6))),
        (dt.timedelta, lambda: dt.timedelta(microseconds=r.randrange(-(10**16), 10**16))),
        (uuid.UUID, lambda: uuid.UUID(int=r.getrandbits(128))),
        (Color, lambda: r.choice(list(Color))),
        (Level, lambda: r.choice(list(Level))),
        (Point, lambda: Point(r.randrange(9), Decimal(r.randrange(9)))),
        (Money, lambda: Money(Decimal(r.randrange(99)), r.choice("AB"), note="x")),
    ]
    if depth <= 0 or r.random() < 0.3:
        return r.choice(leaves)
    kind = r.randrange(7)
    inner, make = a_type(r, depth - 1)
    if kind == 0:
        return list[inner], lambda: [make() for _ in range(r.randrange(4))]
    if kind == 1:
        return tuple[inner, ...], lambda: tuple(make() for _ in range(r.randrange(4)))
    if kind == 2:
        return dict[str, inner], lambda: {str(n): make() for n in range(r.randrange(4))}
    if kind == 3:
        return Page[inner], lambda: Page([make()], Page([make(), make()]))
    if kind == 4:
        other, make_other = a_type(r, depth - 1)
        return Pair[inner, other], lambda: Pair(make(), {"k": make_other()})
    if kind == 5:
        key, make_key = r.choice(leaves[4:13])
        return dict[key, inner], lambda: {make_key(): make() for _ in range(r.randrange(4))}
    others = [each for each in leaves[4:] if each[0] is not inner]
    members = dict([*r.sample(others, 3), (inner, make)])
    return (
        Union[(*members, None)],  # of a list that is made here
        lambda: r.choice([*members.values(), type(None)])(),  # noqa: PLW0108  # chosen each time
    )


@pytest.mark.parametrize("seed", range(60))
def test_any_value_of_any_type_comes_back_equal(seed: int):
    """Types and values are made at random, from a fixed seed."""
    r = random.Random(seed)
    type_, make = a_type(r, 4)
    for _ in range(10):
        value = make()
        assert round_trip(type_, value) == value, type_


class TestUnions:
    @pytest.mark.parametrize(
        ("type_", "value", "json_text"),
        [
            (int | str | None, None, "null"),
            (int | float, 1, "1"),
            (int | float, 1.0, "1.0"),
            (float | None, math.inf, '"Infinity"'),
            (bool | int, True, "true"),
            (Money | None, Money(Decimal(1)), '{"amount":"1","currency":"EUR","_note":""}'),
            (str | uuid.UUID, "x", '"x"'),
            (str | uuid.UUID, ID, f'{{"_type":"UUID","_value":"{ID}"}}'),
            (dt.date | dt.datetime, WHEN.date(), '{"_type":"date","_value":"2024-01-02"}'),
            (Payment, Card("1"), '{"_type":"Card","number":"1"}'),
            (Payment | None, None, "null"),
            (list[Payment], [Cash("1"), Card("2")], None),
            (Payment | dict[str, int], {"_type": 1}, '{"_type":"dict","_value":{"_type":1}}'),
            (Tagged | Card, Tagged("x"), '{"_type":"Tagged","_value":{"_type":"x"}}'),
            (
                Linked | Card,
                Linked("x", Linked("y", Card("1"))),
                None,
            ),
            (list[int] | tuple[int, ...], (1,), '{"_type":"tuple","_value":[1]}'),
            (list[int] | tuple[int, ...], [1], "[1]"),
            (Color | str, Color.RED, '{"_type":"Color","_value":"red"}'),
            (Color | str, "red", '"red"'),
            (Literal["a", "b"] | int, "b", '"b"'),
            (Any | None, {"a": 1}, '{"a":1}'),
            (Path | str, Path("a"), '{"_type":"Path","_value":"a"}'),
        ],
        ids=str,
    )
    def test_a_member_is_told_by_json_itself_or_by_a_tag(self, type_: Any, value: Any, json_text: str | None):
        """A tag stands only where JSON cannot tell the members apart."""
        back = round_trip(type_, value)
        assert back == value
        assert type(back) is type(value)
        if json_text is not None:
            assert text(type_, value) == json_text

    @pytest.mark.parametrize(
        "type_",
        [
            list[int] | list[str],
            Options | Partial,
            Options | dict[str, int],
            Page[int] | Page[str],
            Literal["a"] | str,  # noqa: PYI051  # that is the point
        ],
        ids=str,
    )
    def test_members_of_one_class_are_ambiguous(self, type_: Any):
        """Which is said when the serdes is made."""
        with pytest.raises(SerDesError, match=r"is ambiguous: .* both instances of"):
            typed(type_)

    def test_members_of_one_name_are_ambiguous(self):
        """A tag could not tell them apart."""

        @dataclass
        class Card:
            id: int

        with pytest.raises(SerDesError, match=r"Card.*same name"):
            typed(Payment | Card)

    def test_a_value_of_another_class_is_refused(self):
        """The members are named."""
        assert "expected Card | Cash, found a value of type int" in refused(Payment, 5)

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            ('{"number":"1"}', "found no _type"),
            ('{"_type":"Coin"}', "found the _type 'Coin'"),
            ('{"_type":5}', "found no _type"),
            ("5", "expected Card | Cash, found a value of type int"),
        ],
    )
    def test_an_unknown_tag_is_refused(self, data: str, reason: str):
        """The known ones are named."""
        assert reason in unreadable(Payment, data)

    def test_infinity_is_refused_beside_text(self):
        """It would be read as the text."""
        assert "inf is written as text" in refused(float | str, math.inf)
        assert round_trip(float | str, 1.5) == 1.5


class TestRefusals:
    @pytest.mark.parametrize(
        ("type_", "value", "reason"),
        [
            (int, "5", "expected int, found a value of type str"),
            (int, 5.0, "expected int"),
            (int, None, "expected int, found null"),
            (str, b"x", "expected str"),
            (float, Decimal(1), "expected float"),
            (float, 2**53 + 1, "no equal float"),
            (bool, 1, "expected bool"),
            (None, 0, "expected None"),
            (dt.date, WHEN, "expected date, found a value of type datetime"),
            (dt.datetime, WHEN.date(), "expected datetime"),
            (Color, "red", "expected Color"),
            (Literal["a"], "b", "expected Literal"),
            (list[int], (1,), "expected list[int], found a value of type tuple"),
            (Sequence[int], (1,), "found a value of type tuple"),
            (tuple[int, ...], [1], "expected tuple[int, ...]"),
            (tuple[int, str], (1,), "expected tuple[int, str], found 1 members"),
            (tuple[int, str], (1, 2), "at [1]: expected str"),
            (set[int], [1], "expected set[int]"),
            (list[int], [1, "x"], "at [1]: expected int"),
            (dict[str, int], {"a": "x"}, "at ['a']: expected int"),
            (dict[str, int], {1: 1}, "a key: expected str"),
            (Any, (1,), "needs an annotation of its own"),
            (Any, [{1: 2}], "needs an annotation of its own"),
            (Any, math.nan, "not JSON compliant"),
            (Point, (1, 2), "expected Point"),
            (Point, Point(1, 2), "at y: expected Decimal"),
            (Options, {}, "at ['name']: Options needs this key"),
            (Options, {"name": "x", "nam": 1}, "Options has no key 'nam'"),
            (Options, {"name": 1}, "at ['name']: expected str"),
            (Order, Order(ID, [Line("s", 5)], WHEN), "at lines[0].price: expected Money"),
            (
                Tree,
                Tree(1, by_name={"a": Tree(2, [Tree("x")])}),
                "at by_name['a'].children[0].value: expected int",
            ),
            (Page[int], Page([1], Page(["x"])), "at next.items[0]: expected int"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_a_value_of_another_type_is_refused(self, type_: Any, value: Any, reason: str):
        """The error names the operation, the type and the field."""
        message = refused(type_, value)
        assert reason in message
        assert message.startswith("Cannot serialize ")
        assert message.endswith("(operation op-1)")

    def test_a_subclass_is_refused(self):
        """It would come back as its base, without what it adds."""

        @dataclass
        class Gold(Card):
            bonus: int = 1

        assert "subclass, which would come back as a Card" in refused(Card, Gold("1"))

    def test_a_value_that_contains_itself_is_refused(self):
        """Instead of a crash."""
        loop = Tree(1)
        loop.children.append(loop)
        assert "contains itself" in refused(Tree, loop)

    def test_a_refusal_does_not_show_the_value(self):
        """It may be a secret, and errors are recorded."""
        assert "hunter2" not in refused(int, "hunter2")
        assert "hunter2" not in unreadable(Money, '{"amount":"hunter2"}')
        assert "hunter2" not in unreadable(Color, '"hunter2"')

    @pytest.mark.parametrize(
        ("type_", "data", "reason"),
        [
            (int, "nope", "no JSON"),
            (int, '"5"', "expected int"),
            (int, "true", "expected int"),
            (bool, "1", "expected bool"),
            (float, '"x"', "expected float"),
            (float, "1" + 400 * "0", "no equal float"),
            (bytes, '"a!"', "expected the text of a bytes"),
            (uuid.UUID, '"x"', "expected the text of a UUID"),
            (Decimal, '"x"', "expected the text of a Decimal"),
            (dt.timedelta, '"P"', "expected the text of a timedelta"),
            (dt.timedelta, '"PT"', "expected the text of a timedelta"),
            (dt.timedelta, '"P1000000000D"', "expected the text of a timedelta"),
            (dt.date, '"2024-01-02T03:04:05"', "expected the text of a date"),
            (Color, '"green"', "no value of Color"),
            (Shape, '"GREEN"', "no name of Shape"),
            (Level, "true", "the value of a Level"),
            (Literal[1], "true", "expected Literal[1]"),
            (Literal[1], "[]", "expected Literal[1]"),
            (list[int], "{}", "expected an array for list[int]"),
            (tuple[int, str], "[1]", "an array of 1"),
            (dict[str, int], "[]", "expected an object"),
            (dict[int, int], '{"x":1}', "key 'x': expected int"),
            (Order, "[]", "expected an object for Order"),
            (Line, '{"sku":"s","price":{"amount":"1","currency":5}}', "at price.currency: expected str"),
            (Page[int], '{"items":[1,"x"]}', "at items[1]: expected int"),
            (Point, "[1]", "expected an object for Point"),
            (Options, "{}", "at ['name']: Options needs this key"),
            (list[int], "[" * 100_000, "no JSON"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_data_that_does_not_fit_is_refused(self, type_: Any, data: str, reason: str):
        """The error names the operation, the type and the field."""
        message = unreadable(type_, data)
        assert reason in message
        assert message.startswith("Cannot deserialize ")
        assert message.endswith("(operation op-1)")

    @pytest.mark.parametrize(
        ("type_", "reason"),
        [
            (complex, "complex cannot be serialized"),
            (list[complex], r"at \[\.\.\.\]: complex"),
            (Callable[[], int], "a function"),
            (collections.defaultdict[str, int], "defaultdict"),
            (dict[tuple[int, int], str], r"keys of dict\[tuple\[int, int\], str\]"),
            (dict[int | None, str], "keys of"),
            (T, "type parameter T"),
            (Page, r"at items\[\.\.\.\]: the type parameter T"),
            ("Order", "'Order' is the name of a type"),
            (list["Order"], "'Order' is the name of a type"),
            (Literal["red", Color.RED], "two of its values have the same JSON"),
            (5, "cannot be serialized"),
        ],
        ids=str,
    )
    def test_a_type_that_has_no_json_is_refused_when_the_serdes_is_made(self, type_: Any, reason: str):
        """Long before anything is to be stored."""
        with pytest.raises(SerDesError, match=rf"^typed\(.*{reason}"):
            typed(type_)

    def test_a_field_without_a_json_is_named(self):
        """From the type that was given down to it."""

        @dataclass
        class Deep:
            items: list[dict[str, complex]]

        with pytest.raises(SerDesError, match=r"typed\(Deep\): at items\[\.\.\.\]\[\.\.\.\]: complex"):
            typed(Deep)

    def test_a_forward_reference_that_leads_nowhere_is_named(self):
        """With the class whose annotation it is."""

        @dataclass
        class Broken:
            other: "Nowhere"  # noqa: F821  # that is the point

        with pytest.raises(SerDesError, match="annotations of Broken name 'Nowhere'"):
            typed(Broken)

    def test_a_field_without_an_annotation_is_named(self):
        """Nothing is guessed."""

        @attrs.define
        class Bare:
            x = attrs.field()

        with pytest.raises(SerDesError, match="at x: Bare has no annotation"):
            typed(Bare)

    def test_a_dataclass_that_needs_what_it_does_not_keep_is_refused(self):
        """An InitVar is gone when the object is made."""

        @dataclass
        class Hashed:
            digest: str
            password: InitVar[str]

        with pytest.raises(SerDesError, match="at password: an InitVar is not kept"):
            typed(Hashed)

    def test_more_than_one_type_is_a_mistake(self):
        """A choice is a union."""
        with pytest.raises(TypeError, match=r"typed\(A \| B\)"):
            typed(int, str)  # type: ignore[call-overload]  # wrong on purpose


class TestClassesThatChange:
    def test_a_new_field_with_a_default_takes_it(self):
        """What was stored before is read."""
        assert typed(Money).deserialize('{"amount":"1"}', CONTEXT) == Money(Decimal(1))

    def test_a_field_that_was_removed_is_ignored(self):
        """What was stored before is read."""
        assert typed(Card).deserialize('{"number":"1","gone":5}', CONTEXT) == Card("1")

    def test_a_new_field_without_a_default_is_named(self):
        """Together with what to do."""
        message = unreadable(Order, f'{{"id":"{ID}","lines":[{{"sku":"s"}}]}}')
        assert "at at: Order needs this field" in message
        message = unreadable(list[Line], '[{"sku":"s"}]')
        assert "at [0].price: Line needs this field and the stored data has none" in message

    def test_a_field_of_another_type_is_named(self):
        """With both types."""
        assert "at number: expected str, found a value of type int" in unreadable(Card, '{"number":1}')

    def test_a_constructor_that_refuses_is_named(self):
        """With what it raised, which stays the cause."""

        @attrs.define
        class Even:
            n: int = attrs.field()

            @n.validator
            def _check(self, _: Any, value: int) -> None:
                if value % 2:
                    raise ValueError("odd")

        with pytest.raises(SerDesError, match=r"at \[1\]: Even cannot be made of .*odd") as caught:
            typed(list[Even]).deserialize('[{"n":2},{"n":3}]', CONTEXT)
        assert isinstance(caught.value.__cause__, ValueError)


def test_a_final_field_is_what_it_says():
    """`Final` only speaks to type checkers."""

    @dataclass
    class Fixed:
        x: Final[int]

    assert round_trip(Fixed, Fixed(1)) == Fixed(1)


def test_a_class_may_have_a_field_of_any_name():
    """Names that cattrs uses for its own options included."""

    @dataclass
    class Odd:
        cl: int
        converter: int
        self_: int
        instance: int

    assert round_trip(Odd, Odd(1, 2, 3, 4)) == Odd(1, 2, 3, 4)


@pytest.mark.parametrize("count", [10, 10_000])
def test_a_long_list_is_written_item_by_item(count: int):
    """No item costs more for there being many."""
    items = [Line(str(n), Money(Decimal(n))) for n in range(count)]
    assert round_trip(list[Line], items) == items
