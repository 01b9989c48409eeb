"""`context.map` and `context.parallel`: branches beside each other, and one result of them all."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.model import OperationSubType, OperationType
from durably.actors.task import Scope
from durably.workflows._typed.binding import bound_batch
from durably.workflows._validation import check_callable, check_name, check_sequence, check_type, name_of
from durably.workflows.concurrency.models import BatchResult
from durably.workflows.config import MapConfig, NestingType, ParallelBranch, ParallelConfig
from durably.workflows.operations.batch import Batch
from durably.workflows.operations.planned import Planned

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext
    from durably.workflows.flow import Flow

T = TypeVar("T")
U = TypeVar("U")

DEFAULT_MAP_CONFIG: MapConfig[Any] = MapConfig()
DEFAULT_PARALLEL_CONFIG = ParallelConfig()


def map_over(
    context: "Flow",
    inputs: Sequence[U],
    func: "Callable[[DurableContext, U, int, Sequence[U]], T]",
    name: str | None,
    config: MapConfig[Any] | None,
    *,
    deferred: bool = False,
) -> Planned[BatchResult[T]]:
    """What `context.map` comes to."""
    config = DEFAULT_MAP_CONFIG if config is None else config
    check_callable("func", func, required=True)
    check_type("config", config, MapConfig)
    check_sequence("inputs", inputs)
    config.completion_config.validate_for_total(len(inputs))
    name = name_of(name, func)
    serdes, item_serdes = bound_batch(config.serdes, config.item_serdes, [func], name)
    place = context.enter(OperationType.CONTEXT, OperationSubType.MAP, name, deferred=deferred)
    items = list(inputs)  # the user's own may change while branches wait for their turn
    names: list[str] = []
    broken = None
    if config.item_namer is not None:
        try:
            names = [_item_name(config.item_namer(item, index)) for index, item in enumerate(items)]
        except Exception as error:
            broken = error
    batch = Batch(
        place,
        context.child(place.id, context.task),
        len(items),
        lambda branch, index: func(branch, items[index], index, inputs),
        lambda index: names[index] if names else None,
        "map-item-",
        OperationSubType.MAP_ITERATION,
        "MapResult",
        config.max_concurrency,
        config.completion_config,
        serdes,
        item_serdes * len(items),
        config.summary_generator,
        config.nesting_type is NestingType.FLAT,
        Scope(place.id, context.task.scope),
        broken=broken,
    )
    return batch.planned()


def parallel(
    context: "Flow",
    functions: "Sequence[Callable[[DurableContext], T] | ParallelBranch[T]]",
    name: str | None,
    config: ParallelConfig | None,
    *,
    deferred: bool = False,
) -> Planned[BatchResult[T]]:
    """What `context.parallel` comes to."""
    config = DEFAULT_PARALLEL_CONFIG if config is None else config
    check_type("config", config, ParallelConfig)
    check_sequence("functions", functions)
    for index, function in enumerate(functions):
        check_callable(f"functions[{index}]", function, required=True)
        if isinstance(function, ParallelBranch) and function.name:
            check_name(f"functions[{index}].name", function.name)
    config.completion_config.validate_for_total(len(functions))
    name = name_of(name)
    serdes, item_serdes = bound_batch(config.serdes, config.item_serdes, functions, name)
    place = context.enter(OperationType.CONTEXT, OperationSubType.PARALLEL, name, deferred=deferred)
    functions = list(functions)
    batch = Batch(
        place,
        context.child(place.id, context.task),
        len(functions),
        lambda branch, index: functions[index](branch),
        lambda index: _given_name(functions[index]),
        "parallel-branch-",
        OperationSubType.PARALLEL_BRANCH,
        "ParallelResult",
        config.max_concurrency,
        config.completion_config,
        serdes,
        item_serdes,
        config.summary_generator,
        config.nesting_type is NestingType.FLAT,
        Scope(place.id, context.task.scope),
    )
    return batch.planned()


def _item_name(name: object) -> str:
    return name if name == "" and isinstance(name, str) else check_name("the name from item_namer", name)


def _given_name(function: object) -> str | None:
    name: object = getattr(function, "name", None)
    return name if isinstance(name, str) and isinstance(function, ParallelBranch) else None
