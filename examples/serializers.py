"""Typed results: a step gives an Order, a map gives Shipments, and every replay gives equal ones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from durably.workflows import (
    DurableContext,
    Duration,
    MapConfig,
    StepConfig,
    StepContext,
    durable_execution,
    durable_step,
    typed,
)


class Speed(Enum):
    """How fast it is to be."""

    NORMAL = "normal"
    EXPRESS = "express"


@dataclass
class Line:
    """One article of an order."""

    sku: str
    price: Decimal
    count: int = 1


@dataclass
class Order:
    """What a customer wants."""

    id: UUID
    placed: datetime
    lines: list[Line]
    speed: Speed = Speed.NORMAL

    @property
    def total(self) -> Decimal:
        return sum((line.price * line.count for line in self.lines), Decimal(0))


@dataclass
class Parcel:
    """What is sent by post."""

    tracking: str
    due: datetime


@dataclass
class Download:
    """What is fetched."""

    url: str


Shipment = Parcel | Download


@durable_step
def load_order(step: StepContext, number: int) -> Order:
    lines = [Line("book", Decimal("12.50"), count=2), Line("song", Decimal("0.99"))]
    return Order(UUID(int=number), datetime(2026, 3, 1, 9, 30, tzinfo=UTC), lines, Speed.EXPRESS)


def ship(context: DurableContext, line: Line, index: int, lines: list[Line]) -> Shipment:
    if line.sku == "song":
        return Download("https://example.com/song")
    context.wait(Duration.from_hours(1), "until it is packed")
    return Parcel(f"P{index}", datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=1))


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    order = context.step(load_order(7), config=StepConfig(serdes=typed()))

    shipped = context.map(order.lines, ship, config=MapConfig(serdes=typed()))
    parcels = [each for each in shipped.get_results() if isinstance(each, Parcel)]

    return {
        "total": str(order.total),
        "express": order.speed is Speed.EXPRESS,
        "parcels": [f"{each.tracking}, due {each.due:%d %B}" for each in parcels],
    }
