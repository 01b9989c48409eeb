"""Serializers: `typed(T)` is a `SerDes[T]`, so that a wrong value is refused before it runs."""

from dataclasses import dataclass

from durably.workflows import (
    BatchResult,
    CallbackConfig,
    DurableContext,
    FileSystemSerDes,
    FileSystemSerDesConfig,
    InvokeConfig,
    MapConfig,
    SerDes,
    SerDesContext,
    StepConfig,
    typed,
)


@dataclass
class Order:
    id: int


class Receipt(Order):
    pass


one: SerDes[Order] = typed(Order)
many: SerDes[list[Order]] = typed(list[Order])
generic: SerDes[BatchResult[Order]] = typed(BatchResult[Order])
order: Order = one.deserialize("{}", SerDesContext())
text: str = many.serialize([order], SerDesContext())
step = StepConfig(serdes=typed())
mapped = MapConfig[Order](serdes=typed(), item_serdes=typed(Order))
callback = CallbackConfig(serdes=typed(Order | None))
invoked: InvokeConfig[Order, Receipt] = InvokeConfig(
    serdes_payload=typed(Order), serdes_result=typed(Receipt)
)
stored = FileSystemSerDes("/mnt/data", FileSystemSerDesConfig(serdes=typed()))


def flow(context: DurableContext) -> Receipt:
    return context.invoke("pay", order, config=invoked)


# assert-type-error-pyright: "\"Literal\[5\]\" is not assignable to \"Order\""
one.serialize(5, SerDesContext())

# assert-type-error-pyright: "is not assignable to declared type \"SerDes\[str\]\""
wrong: SerDes[str] = typed(Order)

# assert-type-error-pyright: "\"list\[Order\]\" is not assignable to \"Order\""
only: Order = many.deserialize("[]", SerDesContext())

# assert-type-error-pyright: "No overloads for \"typed\""
typed(Order, Receipt)

# assert-type-error-pyright: "\"type\[Order\]\" is not assignable to type \"SerDes\[Any\] \| None\""
StepConfig(serdes=Order)

# assert-type-error-pyright: "is not assignable to"
FileSystemSerDesConfig(storage_mode="ALWAYS")
