"""The context object that Lambda hands to a handler, as the embedded service fills it."""

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LocalLambdaContext:
    """What a handler may ask about its invocation; the names are Lambda's own."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    timeout_seconds: float = 900.0
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 128
    log_group_name: str = ""
    log_stream_name: str = ""
    tenant_id: str | None = None
    client_context: Any = None
    identity: Any = None
    _started: float = field(default_factory=time.monotonic, repr=False)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation should have ended; 0 when they are over."""
        return max(0, int((self._started + self.timeout_seconds - time.monotonic()) * 1000))
