"""The language in which requirements say what they expect.

| expected | matches |
|---|---|
| `'*'` | anything that is there |
| `${NAME}` | anything the first time, and the same ever after |
| `${/regex/}` | what contains a match of the expression |
| text with `${NAME}` in it | the text, with the variable's value in its place |
| a mapping | what has all its keys, with matching values; more keys are no matter |
| a list | as many items, each matching |
| anything else | what equals it |

In the records of a log, `/regex/` stands for an expression, in which `${NAME}` is the variable's value.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_EXPRESSION = re.compile(r"\$\{/(.*)/\}", re.DOTALL)
_ABSENT = object()

Variables = dict[str, Any]


@attrs.frozen
class Mismatch:
    """One thing that is not as expected: where, what it is instead, and whether it is not there at all."""

    where: str
    what: str
    is_absent: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def expand(value: Any, variables: Variables) -> Any:
    """The value with the variables' values in it; a variable on its own keeps the type of its value.

    Raises:
        KeyError: a variable has no value.
    """
    if isinstance(value, str):
        if (whole := _VARIABLE.fullmatch(value)) is not None:
            return variables[whole[1]]
        return _VARIABLE.sub(lambda found: str(variables[found[1]]), value)
    if isinstance(value, Mapping):
        return {key: expand(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [expand(each, variables) for each in value]
    return value


def mismatches(
    expected: Any, actual: Any, variables: Variables, where: str = "", *, exact: bool = False
) -> list[Mismatch]:
    """What is not as expected; `variables` gets the values that are bound here.

    With `exact`, a mapping must have no other keys.
    """
    if actual is _ABSENT:
        return [Mismatch(where, f"there is none, expected {expected!r}", is_absent=True)]
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [Mismatch(where, f"expected {expected!r}, got {actual!r}")]
        found = [
            Mismatch(f"{where}.{key}", "not expected") for key in actual if exact and key not in expected
        ]
        for key, value in expected.items():
            found += mismatches(value, actual.get(key, _ABSENT), variables, f"{where}.{key}", exact=exact)
        return found
    if isinstance(expected, list):
        if not isinstance(actual, Sequence) or isinstance(actual, str) or len(actual) != len(expected):
            return [Mismatch(where, f"expected {expected!r}, got {actual!r}")]
        found = list[Mismatch]()
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            found += mismatches(one, other, variables, f"{where}[{index}]", exact=exact)
        return found
    if expected == "*":
        return []
    if isinstance(expected, str):
        if (expression := _EXPRESSION.fullmatch(expected)) is not None:
            fits = re.search(expression[1], _text(actual)) is not None
            return [] if fits else [Mismatch(where, f"{actual!r} does not match {expected}")]
        whole = _VARIABLE.fullmatch(expected)
        if whole is not None and whole[1] not in variables:
            variables[whole[1]] = actual
            return []
        expected = expand(expected, variables)
    return [] if _equal(expected, actual) else [Mismatch(where, f"expected {expected!r}, got {actual!r}")]


def logged(expected: Mapping[str, Any], record: Mapping[str, Any], variables: Variables) -> bool:
    """Whether a record of the log is one that is meant."""
    return all(_field(value, record.get(key, _ABSENT), variables) for key, value in expected.items())


def _field(expected: Any, actual: Any, variables: Variables) -> bool:
    if actual is _ABSENT:
        return False
    if isinstance(expected, str) and len(expected) > 1 and expected[0] == expected[-1] == "/":
        pattern = _VARIABLE.sub(lambda found: re.escape(str(variables[found[1]])), expected[1:-1])
        return re.search(pattern, _text(actual)) is not None
    return not mismatches(expected, actual, variables)


def log_faults(
    expectations: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]], variables: Variables
) -> list[str]:
    """What is wrong with a log: how often each expected record is there, and after which others."""
    faults: list[str] = []
    for expectation in expectations:
        positions = _positions(expectation["match"], records, variables)
        count = len(positions)
        if "count" in expectation and count != expectation["count"]:
            faults.append(f"log {expectation['match']}: {count} times, expected {expectation['count']}")
        if count < expectation.get("min_count", 0):
            faults.append(
                f"log {expectation['match']}: {count} times, expected {expectation['min_count']} or more"
            )
        for earlier in expectation.get("after", []) if positions else []:
            before = _positions(earlier, records, variables)
            if not before or before[0] > positions[0]:
                faults.append(f"log {expectation['match']}: not after {earlier}")
    return faults


def _positions(
    expected: Mapping[str, Any], records: Sequence[Mapping[str, Any]], variables: Variables
) -> list[int]:
    return [index for index, record in enumerate(records) if logged(expected, record, variables)]


def _equal(expected: Any, actual: Any) -> bool:
    return isinstance(expected, bool) == isinstance(actual, bool) and expected == actual


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
