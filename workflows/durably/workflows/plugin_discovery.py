"""Which plugin factories a handler has: those it is given, and those that the environment names.

`DURABLE_EXECUTION_PLUGINS=otel,audit` names entry points of installed packages, so that an operator can add a
plugin without touching the code. Everything is decided once, when the handler is decorated, and whatever is
wrong is an error then: a plugin that silently does not run is found when it is missed.
"""

import inspect
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any, cast

from durably.workflows.exceptions import PluginLoadError
from durably.workflows.plugin import DurableInstrumentationPluginFactory

logger = logging.getLogger("durably.workflows")

PLUGIN_ENTRY_POINT_GROUP = "aws_durable_execution.plugins"
OWN_ENTRY_POINT_GROUP = "durably.plugins"
PLUGIN_ENVIRONMENT_VARIABLE = "DURABLE_EXECUTION_PLUGINS"

_GROUPS = (PLUGIN_ENTRY_POINT_GROUP, OWN_ENTRY_POINT_GROUP)
_WHAT_A_FACTORY_IS = (
    "a plugin factory: an object with create_plugin(info), which returns the plugin of one invocation. "
    "Pass an instance of the factory, not its class, a plugin, or a function"
)


def load_configured_plugins(
    explicit_plugins: Sequence[DurableInstrumentationPluginFactory] | None,
    *,
    environment: Mapping[str, str] | None = None,
) -> list[DurableInstrumentationPluginFactory]:
    """The factories that are given, then those that the environment names, in that order.

    Args:
        explicit_plugins: the `plugins` of `durable_execution`.
        environment: instead of the process's own.

    Raises:
        PluginLoadError: something given is no factory; a name is empty, repeated, unknown or ambiguous; what
            it names cannot be imported or is no factory; two factories exclude each other.
    """
    _check_list(explicit_plugins)
    names = os.environ if environment is None else environment
    found: list[object] = []
    try:
        for index, given in enumerate(explicit_plugins or ()):
            found.append(given)
            _check_factory(given, f"plugins[{index}]")
        for name, entry_point in _named(names.get(PLUGIN_ENVIRONMENT_VARIABLE) or ""):
            factory = _loaded(name, entry_point)
            if any(factory is other for other in found):
                logger.warning("Plugin %r is named by the environment and given as well: it runs once.", name)
                continue
            found.append(factory)
            _check_factory(factory, f"What plugin {name!r} names, {entry_point.value},")
        _check_groups(found)
    except Exception:
        _report(found, registered=False)
        raise
    _report(found, registered=True)
    return cast("list[DurableInstrumentationPluginFactory]", found)


# ------------------------------------------------------------------ entry points


def _named(text: str) -> list[tuple[str, metadata.EntryPoint]]:
    """The entry points that the variable's text names, in its order."""
    if not text.strip():
        return []
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise PluginLoadError(f"{PLUGIN_ENVIRONMENT_VARIABLE} must be names between commas, got {text!r}.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise PluginLoadError(
            f"{PLUGIN_ENVIRONMENT_VARIABLE} names a plugin more than once: {', '.join(repeated)}."
        )
    installed = _installed()
    return [(name, _the_one(name, installed)) for name in names]


def _installed() -> dict[str, list[metadata.EntryPoint]]:
    by_name: dict[str, list[metadata.EntryPoint]] = {}
    try:
        for group in _GROUPS:
            for entry_point in metadata.entry_points(group=group):
                by_name.setdefault(entry_point.name, []).append(entry_point)
    except Exception as error:
        raise PluginLoadError(f"The installed plugins could not be listed: {error}") from error
    return by_name


def _the_one(name: str, installed: Mapping[str, list[metadata.EntryPoint]]) -> metadata.EntryPoint:
    candidates = installed.get(name, [])
    if not candidates:
        raise PluginLoadError(
            f"No installed package has a plugin named {name!r} (entry-point groups {' and '.join(_GROUPS)}). "
            f"Installed: {', '.join(sorted(installed)) or 'none'}. Install its package, in the function's "
            "artifact or a layer."
        )
    # One package may be in both groups, to be found by either SDK.
    if len({(_package_of(each), each.value) for each in candidates}) > 1:
        packages = ", ".join(f"{each.value} of {_package_of(each)}" for each in candidates)
        raise PluginLoadError(f"More than one plugin is named {name!r}: {packages}. Remove all but one.")
    return candidates[0]


def _package_of(entry_point: metadata.EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else "an unknown package"


def _loaded(name: str, entry_point: metadata.EntryPoint) -> object:
    try:
        return entry_point.load()
    except Exception as error:
        where = f"{entry_point.value} of {_package_of(entry_point)}"
        raise PluginLoadError(f"Plugin {name!r}, {where}, could not be loaded: {error}") from error


# ------------------------------------------------------------------ what a factory is


def _check_list(value: object) -> None:
    if not isinstance(value, Iterable | None):
        raise PluginLoadError(f"plugins must be a list of factories, got {_described(value)}.")


def _check_factory(value: object, what: str) -> None:
    if not _is_factory(value):
        raise PluginLoadError(f"{what} is {_described(value)}, and must be {_WHAT_A_FACTORY_IS}.")


def _is_factory(value: object) -> bool:
    """Whether `create_plugin` can be called with one argument."""
    create = getattr(value, "create_plugin", None)
    if not callable(create):
        return False
    if isinstance(value, type) and inspect.isfunction(create):
        # Of a class it would take the argument for its self, unless it is a static method.
        return isinstance(inspect.getattr_static(value, "create_plugin"), staticmethod)
    try:
        signature = inspect.signature(create)
    except (TypeError, ValueError):  # not to be known, as of some built-in functions
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True


def _described(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__module__}.{value.__qualname__}"
    if inspect.isroutine(value):
        return f"the function {getattr(value, '__qualname__', value)}"
    return f"an instance of {type(value).__module__}.{type(value).__qualname__}"


# ------------------------------------------------------------------ registration, for those who ask for it


def _registering_class(factory: object) -> Any:
    """The class that says how this factory registers: the first base that says anything, if it says 1."""
    own = factory if isinstance(factory, type) else type(factory)
    for cls in own.__mro__:
        if "__durable_registration_api__" in vars(cls):
            version: object = vars(cls)["__durable_registration_api__"]
            return cls if version == 1 and type(version) is int else None
    return None


def _groups_of(factory: object) -> list[str]:
    """The groups of the factory's class, and of every base of it that registers as well."""
    own = factory if isinstance(factory, type) else type(factory)
    groups: list[str] = []
    for cls in own.__mro__:
        if _registering_class(cls) is not cls:
            continue
        group: object = getattr(cls, "exclusive_group", None)
        if group is not None and not (isinstance(group, str) and group.strip()):
            raise PluginLoadError(
                f"exclusive_group of {_described(cls)} must be None or text, got {group!r}."
            )
        if group is not None and group not in groups:
            groups.append(group)
    return groups


def _check_groups(factories: Sequence[object]) -> None:
    taken: dict[str, object] = {}
    for factory in factories:
        if _registering_class(factory) is None:
            continue
        for group in _groups_of(factory):
            if group in taken:
                raise PluginLoadError(
                    f"At most one plugin of the group {group!r} may be registered, got "
                    f"{_described(taken[group])} and {_described(factory)}. Keep one of them in plugins and "
                    f"{PLUGIN_ENVIRONMENT_VARIABLE}."
                )
            taken[group] = factory


def _report(factories: Sequence[object], *, registered: bool) -> None:
    """Tell each factory that wants to know, once, whether it is registered."""
    told: list[object] = []
    for factory in factories:
        if any(factory is other for other in told):
            continue
        told.append(factory)
        try:
            callback = getattr(factory, "on_registration_result", None)
            if callback is not None and _registering_class(factory) is not None:
                callback(registered)
        except Exception:
            logger.exception("on_registration_result of %s raised; ignored.", _described(factory))
