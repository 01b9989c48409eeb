"""Pydantic models by `typed()`, bare and in dataclasses, and Pydantic left alone by everybody else."""

import datetime as dt
import subprocess
import sys
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr, computed_field, field_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from durably.workflows.exceptions import SerDesError
from durably.workflows.serdes import SerDesContext, typed

T = TypeVar("T")
CONTEXT = SerDesContext("op-1", "arn")


class Item(BaseModel):
    sku: str
    price: Decimal
    tags: frozenset[str] = frozenset()


class Order(BaseModel):
    model_config = ConfigDict(strict=True, populate_by_name=True)

    id: uuid.UUID = Field(alias="orderId")
    at: dt.datetime
    items: list[Item]
    took: dt.timedelta | None = None

    @computed_field  # type: ignore[prop-decorator]  # as Pydantic documents it
    @property
    def count(self) -> int:
        return len(self.items)


class Page(BaseModel, Generic[T]):
    items: list[T]


class Even(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value


class Numbers(RootModel[list[int]]):
    pass


@pydantic_dataclass
class Validated:
    n: int


@dataclass
class Basket:
    order: Order | None
    items: list[Item | Even]


ORDER = Order(
    id=uuid.UUID(int=7),
    at=dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    items=[Item(sku="a", price=Decimal("1.10"), tags=frozenset("x"))],
    took=dt.timedelta(seconds=1.5),
)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Order, ORDER),
        (list[Order], [ORDER]),
        (Page[Item], Page[Item](items=ORDER.items)),
        (Basket, Basket(ORDER, [ORDER.items[0], Even(n=2)])),
        (Basket, Basket(None, [])),
        (Numbers, Numbers([1, 2])),
        (Numbers | list[int], Numbers([1, 2])),
        (Numbers | list[int], [1, 2]),
        (Validated, Validated(1)),
        (dict[str, Order | None], {"a": ORDER, "b": None}),
    ],
    ids=str,
)
def test_a_model_comes_back_equal(type_: Any, value: Any):
    """Strict ones, generic ones, and as parts of other things."""
    back = typed(type_).deserialize(typed(type_).serialize(value, CONTEXT), CONTEXT)
    assert back == value
    assert type(back) is type(value)


def test_the_text_is_the_models_own_json():
    """By its aliases, and without what it computes."""
    text = typed(Order).serialize(ORDER, CONTEXT)
    assert Order.model_validate_json(text) == ORDER
    assert '"orderId"' in text
    assert "count" not in text


def test_an_invalid_model_is_refused_with_the_path_to_it():
    """Through the dataclass and into the model, without the value."""
    serdes = typed(Basket)
    text = serdes.serialize(Basket(None, [Even(n=2)]), CONTEXT)
    with pytest.raises(SerDesError, match=r"at items\[0\]\.n: Even: Value error, odd \(operation op-1\)"):
        serdes.deserialize(text.replace("2", "3"), CONTEXT)
    with pytest.raises(SerDesError, match=r"Basket: at order\.items\[0\]\.price: Order: Field required"):
        serdes.deserialize(
            '{"items":[],"order":{"orderId":"'
            + str(ORDER.id)
            + '","at":"2024-01-02T00:00:00Z","items":[{"sku":"a"}]}}',
            CONTEXT,
        )


def test_another_class_is_refused():
    """A subclass would come back as its base."""

    class Special(Item):
        more: int = 1

    for value in (Special(sku="a", price=Decimal(1)), {"sku": "a"}, None):
        with pytest.raises(SerDesError, match="expected Item"):
            typed(Item).serialize(value, CONTEXT)


def test_a_field_that_was_set_to_another_type_is_refused():
    """Pydantic does not check assignments, and would write it all the same."""
    item = Item(sku="a", price=Decimal(1))
    item.sku = 5  # type: ignore[assignment]  # wrong on purpose
    with pytest.raises(SerDesError, match="cannot be written by Pydantic"):
        typed(Item).serialize(item, CONTEXT)


def test_a_secret_is_written_as_pydantic_writes_it():
    """Masked: it does not come back, which is Pydantic's own choice."""

    class Login(BaseModel):
        password: SecretStr

    assert "hunter2" not in typed(Login).serialize(Login(password=SecretStr("hunter2")), CONTEXT)


def test_pydantic_is_not_imported_for_others():
    """Nor is cattrs, before somebody calls `typed()`."""
    code = (
        "import sys, durably.workflows, durably.workflows.execution, durably.workflows.context\n"
        "from durably.workflows.serdes import typed, SerDesContext\n"
        "assert 'cattrs' not in sys.modules\n"
        "typed(list[int]).serialize([1], SerDesContext())\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
