"""The functions that a service knows by name, and the code that an execution goes on with."""

import attrs

from durably.actors.model import ErrorObject
from durably.workflows.local.code import Handler, code_of, load_handler
from durably.workflows.local.errors import HandlerNotFoundError
from durably.workflows.local.records import ExecutionRecord
from durably.workflows.local.store import Store


@attrs.frozen(slots=True)
class Function:
    """A handler, whether it is durable or a plain function, and after how long its executions time out."""

    handler: Handler
    durable: bool = True
    timeout_seconds: int | None = None


class Functions:
    """Functions by name, and by what a store knows of an execution."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._registered: dict[str, Function] = {}

    def register(self, name: str, function: Function) -> None:
        """Know `function` by `name` from here on."""
        self._registered[name] = function

    def get(self, name: str) -> Function:
        """The function registered as `name`.

        Raises:
            HandlerNotFoundError: there is none.
        """
        function = self._registered.get(name)
        if function is None:
            raise HandlerNotFoundError(f"No function {name!r} is registered; use register({name!r}, ...).")
        return function

    def preflight(self, name: str) -> ErrorObject | None:
        """The error of a chained invoke of a function that is not registered."""
        if name in self._registered:
            return None
        message = f"Function not found: {name}. Register it with the service under this name."
        return ErrorObject(message, "ResourceNotFoundException")

    def of(self, record: ExecutionRecord, *, latest: bool) -> Function:
        """The code that an execution goes on with: what it began with, or the `latest` of its file.

        Raises:
            HandlerNotFoundError: it cannot be loaded.
        """
        if record.handler_file is None or record.handler_name is None or record.code_hash is None:
            return self.get(record.function_name)
        if not latest:
            source = self._store.source(record.code_hash)
            return Function(load_handler(record.handler_file, record.handler_name, source))
        handler = load_handler(record.handler_file, record.handler_name)
        code = code_of(handler)
        if code.hash is not None and code.source is not None:
            self._store.change_code(record.arn, code.hash, code.source)
        return Function(handler)
