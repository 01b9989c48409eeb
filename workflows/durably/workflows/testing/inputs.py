"""What a test gives a runner: a handler, and an input."""

import json
from collections.abc import Callable
from typing import Any


def check_handler(handler: Callable[..., Any]) -> None:
    """Refuse what no execution can be made of.

    Raises:
        TypeError: `handler` is not what `durable_execution` makes.
    """
    if hasattr(handler, "_durable_function"):
        return
    made_in = str(getattr(handler, "__globals__", {}).get("__name__", ""))
    if made_in.partition(".")[0] == "aws_durable_execution_sdk_python":
        name = getattr(handler, "__name__", repr(handler))
        raise TypeError(f"{name} was decorated by AWS's SDK: import it from durably.workflows instead.")
    raise TypeError(f"{handler!r} is not a durable handler: decorate it with @durable_execution.")


def decoded_input(input: Any) -> Any:
    """The input as the handler gets it: JSON text is decoded, all else is taken as it is."""
    if not isinstance(input, str):
        return input
    try:
        return json.loads(input)
    except ValueError:
        return input
