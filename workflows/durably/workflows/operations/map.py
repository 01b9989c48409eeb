"""`context.map` and `context.parallel`: branches beside each other, and one result of them all."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.model import OperationSubType
from durably.actors.task import Scope
from durably.workflows._validation import check_name
from durably.workflows.concurrency.models import BatchResult
from durably.workflows.config import MapConfig, NestingType, ParallelBranch, ParallelConfig
from durably.workflows.operations.batch import Batch
from durably.workflows.operations.place import Place

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext

T = TypeVar("T")
U = TypeVar("U")

DEFAULT_MAP_CONFIG: MapConfig[Any] = MapConfig()
DEFAULT_PARALLEL_CONFIG = ParallelConfig()


def map_over(
    place: Place,
    inputs: Sequence[U],
    func: "Callable[[DurableContext, U, int, Sequence[U]], T]",
    config: MapConfig[Any],
) -> BatchResult[T]:
    """Run `func` for each of `inputs`."""
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
        place.context.batch_context(place.id),
        len(items),
        lambda context, index: func(context, items[index], index, inputs),
        lambda index: names[index] if names else None,
        "map-item-",
        OperationSubType.MAP_ITERATION,
        "MapResult",
        config.max_concurrency,
        config.completion_config,
        config.serdes,
        config.item_serdes,
        config.summary_generator,
        config.nesting_type is NestingType.FLAT,
        Scope(place.id, place.context.task.scope),
        broken=broken,
    )
    return batch.result()


def parallel(
    place: Place,
    functions: "Sequence[Callable[[DurableContext], T] | ParallelBranch[T]]",
    config: ParallelConfig,
) -> BatchResult[T]:
    """Run each of `functions`."""
    functions = list(functions)
    batch = Batch(
        place,
        place.context.batch_context(place.id),
        len(functions),
        lambda context, index: functions[index](context),
        lambda index: _given_name(functions[index]),
        "parallel-branch-",
        OperationSubType.PARALLEL_BRANCH,
        "ParallelResult",
        config.max_concurrency,
        config.completion_config,
        config.serdes,
        config.item_serdes,
        config.summary_generator,
        config.nesting_type is NestingType.FLAT,
        Scope(place.id, place.context.task.scope),
    )
    return batch.result()


def _item_name(name: object) -> str:
    return name if name == "" and isinstance(name, str) else check_name("the name from item_namer", name)


def _given_name(function: object) -> str | None:
    name: object = getattr(function, "name", None)
    return name if isinstance(name, str) and isinstance(function, ParallelBranch) else None
