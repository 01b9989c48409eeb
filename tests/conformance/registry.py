"""Which handler meets which requirement."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[[Any, Any], Any])


class Handlers(dict[str, Callable[[Any, Any], Any]]):
    """Handlers by the id of the requirement that each meets."""

    def meets(self, *requirements: str) -> Callable[[F], F]:
        """Decorates the handler of these requirements."""

        def register(handler: F) -> F:
            self.update(dict.fromkeys(requirements, handler))
            return handler

        return register
