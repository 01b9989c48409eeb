"""Previews, beside AWS's own: the same fields, in the same order, cut at the same place."""

import inspect
import json
import random
from dataclasses import fields
from typing import Any

import aws_durable_execution_sdk_python.preview as official
import pytest

import durably.workflows.preview as ours

NAMES = ["a", "b", "c", "a.b", "b.c", "a.b.c", "", "1", "ü", "a.a"]


def both(value: Any, mode: str, max_bytes: int = 4096, mask_string: str = "***", **lists: Any) -> Any:
    """What both make of it: the value, or the kind of error."""
    results = []
    for package in (ours, official):
        config = package.PreviewConfig(
            package.PreviewMode[mode],
            **{
                key: [package.PreviewField(name, package.FieldMatchMode[match]) for name, match in each]
                for key, each in lists.items()
            },
            mask_string=mask_string,
            max_preview_bytes=max_bytes,
        )
        try:
            results.append(json.dumps(package.build_preview(value, config)))
        except TypeError as error:
            results.append(type(error).__name__)
    assert results[0] == results[1], (value, mode, lists, max_bytes)
    return results[0]


def value_of(r: random.Random, depth: int) -> Any:
    kind = r.randrange(8)
    if depth <= 0 or kind < 3:
        return r.choice([1, None, "x", 2.5, True, "é" * 5, (), {}, []])
    if kind < 7:
        keys: list[Any] = ["a", "b", "c", "d.e", 1, None, ""]
        return {r.choice(keys): value_of(r, depth - 1) for _ in range(r.randrange(5))}
    return [value_of(r, depth - 1) for _ in range(r.randrange(4))]


@pytest.mark.parametrize("seed", range(40))
def test_a_preview_is_the_one_that_it_is_there(seed: int):
    """Whatever the value, the lists and the limit."""
    r = random.Random(seed)
    for _ in range(100):
        lists = {
            key: [(r.choice(NAMES), r.choice(["ANYWHERE", "PATH"])) for _ in range(r.choice([0, 0, 1, 2]))]
            for key in ("include", "exclude", "mask")
        }
        mode = r.choice(["INCLUDE_ALL", "EXCLUDE_ALL"])
        both(value_of(r, 5), mode, r.choice([2, 10, 20, 40, 4096]), r.choice(["***", "", "ü"]), **lists)


@pytest.mark.parametrize("value", [None, 5, "text", [], [{"a": 1}], {}])
def test_what_has_no_fields_has_no_preview(value: Any):
    """None, and not an empty one."""
    assert both(value, "INCLUDE_ALL") == "null"


def test_what_is_no_json_cannot_be_shown():
    """It is the same error."""
    assert both({"a": {1}}, "INCLUDE_ALL") == "TypeError"
    assert both({"a": {1}}, "INCLUDE_ALL", mask=[("a", "PATH")]) == '{"a": "***"}'


def test_exclusion_is_stronger_than_a_mask():
    """What is excluded is not shown, masked or not."""
    value = {"user": {"name": "Ada", "card": {"number": "1", "cvc": "2"}}}
    masked = both(value, "INCLUDE_ALL", mask=[("card", "ANYWHERE")])
    assert json.loads(masked) == {"user": {"name": "Ada", "card": "***"}}
    assert json.loads(
        both(value, "INCLUDE_ALL", mask=[("card", "ANYWHERE")], exclude=[("card", "ANYWHERE")])
    ) == {"user": {"name": "Ada"}}


def test_a_value_may_be_nested_deeper_than_the_stack():
    """Where AWS's gives up."""
    value: Any = {"x": 1}
    for _ in range(5_000):
        value = {"a": value}
    config = ours.PreviewConfig(ours.PreviewMode.INCLUDE_ALL)
    assert ours.build_preview(value, config) is None  # its path alone is larger than a preview may be


@pytest.mark.parametrize("name", ["PreviewMode", "FieldMatchMode"])
def test_an_enum_has_the_same_members(name: str):
    """By name and value."""
    here, there = getattr(ours, name), getattr(official, name)
    assert {each.name: each.value for each in here} == {each.name: each.value for each in there}


@pytest.mark.parametrize("name", ["PreviewField", "PreviewConfig"])
def test_a_config_has_the_same_fields(name: str):
    """By name, in order."""
    here, there = getattr(ours, name), getattr(official, name)
    assert [each.name for each in fields(here)] == [each.name for each in fields(there)]
    assert list(inspect.signature(ours.build_preview).parameters) == ["value", "config"]
