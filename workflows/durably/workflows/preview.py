"""Previews: some fields of a value, small enough to be recorded beside a pointer to the rest.

A preview makes a value visible in the console and the API though the value itself is stored elsewhere, as
`FileSystemSerDes` does it; any other serdes may use `build_preview` as well. Fields are addressed by name or
by path, with dots between: `user.address.city`. A list adds nothing to a path: the fields of its members are
merged at the path of the list, later ones over earlier ones. A key that contains a dot is left out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

import attrs


class PreviewMode(StrEnum):
    """Which fields a preview has but for the lists of its config."""

    INCLUDE_ALL = "INCLUDE_ALL"
    EXCLUDE_ALL = "EXCLUDE_ALL"


class FieldMatchMode(StrEnum):
    """How a field is addressed: by a name at any depth, with all that lies below it, or by its path."""

    ANYWHERE = "ANYWHERE"
    PATH = "PATH"


@dataclass(frozen=True)
class PreviewField:
    """A field: its name, or with `FieldMatchMode.PATH` its path from the root."""

    name: str
    match: FieldMatchMode = FieldMatchMode.ANYWHERE


@dataclass(frozen=True)
class PreviewConfig:
    """What a preview shows.

    Args:
        mode: whether fields are shown unless excluded, or only if included.
        include: fields to show with `EXCLUDE_ALL`.
        exclude: fields never to show, whatever else says so.
        mask: fields to show with another value.
        mask_string: that value.
        max_preview_bytes: of JSON; the first field that does not fit ends the preview.
    """

    mode: PreviewMode
    include: list[PreviewField] = field(default_factory=list[PreviewField])
    exclude: list[PreviewField] = field(default_factory=list[PreviewField])
    mask: list[PreviewField] = field(default_factory=list[PreviewField])
    mask_string: str = "***"
    max_preview_bytes: int = 4096


def build_preview(value: Any, config: PreviewConfig) -> dict[str, Any] | None:
    """The preview of `value`: a dict in its likeness; None if nothing of it is to be seen, or it is no dict.

    Raises:
        TypeError: a field that is to be shown is no JSON.
    """
    if not _is(value, dict):
        return None
    preview: dict[str, Any] = {}
    size = len("{}")
    for path, shown in _Selection(config).fields(value):
        size += len(f'"{path}":{json.dumps(shown)},'.encode())
        if size > config.max_preview_bytes:
            break
        _put(preview, path.split("."), shown)
    return preview or None


def _is(value: object, *classes: type) -> bool:
    return isinstance(value, classes)


def _put(preview: dict[str, Any], path: list[str], shown: Any) -> None:
    node = preview
    for name in path[:-1]:
        below = node.get(name)
        if not isinstance(below, dict):
            below = node[name] = {}
        node = cast("dict[str, Any]", below)
    node[path[-1]] = shown


@attrs.frozen
class _Rules:
    """One of the lists of a config."""

    names: frozenset[str]
    paths: frozenset[str]

    @classmethod
    def of(cls, fields: list[PreviewField]) -> "_Rules":
        by_path = frozenset(each.name for each in fields if each.match is FieldMatchMode.PATH)
        return cls(frozenset(each.name for each in fields if each.match is not FieldMatchMode.PATH), by_path)


@attrs.frozen
class _Found:
    """By which lists a part of the value has been found by name: they hold for all below it too."""

    masked: bool = False
    excluded: bool = False
    included: bool = False


class _Selection:
    """Walks a value, and gives what is to be shown of it in order."""

    def __init__(self, config: PreviewConfig) -> None:
        self._mask = _Rules.of(config.mask)
        self._exclude = _Rules.of(config.exclude)
        self._include = _Rules.of(config.include)
        self._all = config.mode is PreviewMode.INCLUDE_ALL
        self._mask_string = config.mask_string

    def fields(self, value: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        """Paths, and what is shown there."""
        # A stack and not a recursion: a value may be nested deeper than Python's stack allows.
        stack = [(iter(self._members(value, "", _Found())))]
        while stack:
            for path, member, found in stack[-1]:
                if found.excluded or path in self._exclude.paths:
                    continue
                if found.masked or path in self._mask.paths:
                    yield path, self._mask_string
                    continue
                if _is(member, dict, list):
                    stack.append(iter(self._members(member, path, found)))
                    break
                if self._all or found.included or path in self._include.paths:
                    yield path, member
            else:
                stack.pop()

    def _members(self, value: Any, prefix: str, above: _Found) -> Iterator[tuple[str, Any, _Found]]:
        """The members of a dict, or of the dicts in a list (of lists)."""
        if _is(value, list):
            for each in value:
                if _is(each, dict, list):
                    yield from self._members(each, prefix, above)
            return
        for key, member in value.items():
            name = str(key)
            if "." in name:
                continue
            found = _Found(
                above.masked or name in self._mask.names,
                above.excluded or name in self._exclude.names,
                above.included or name in self._include.names,
            )
            yield f"{prefix}.{name}" if prefix else name, member, found
