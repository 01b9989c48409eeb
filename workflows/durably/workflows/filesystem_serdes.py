"""Values in files, and pointers to them in the record.

For values too large for a checkpoint, on a file system that all invocations share and that lasts: Amazon EFS
or S3 Files. Never the `/tmp` of a Lambda environment, which the next invocation may not see.

What is recorded is `{"file": <path>}`, with a `"preview"` if there is one, or `{"data": <text>}` for what was
small enough; files and records are those of AWS's SDK, so either reads what the other wrote. Beyond that: a
file is replaced as a whole, so that a process killed while it writes leaves the former one; and a recorded
path is read only below the configured folder, since a callback's answer is written by somebody else.
"""

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import quote

from durably.workflows._validation import check_callable, check_serdes, check_type
from durably.workflows.constants import CHECKPOINT_SIZE_LIMIT_BYTES
from durably.workflows.exceptions import RetryableSerDesError, SerDesError
from durably.workflows.serdes import EXTENDED_TYPES_SERDES, SerDes, SerDesContext
from durably.workflows.types import DurableExecutionArn

LARGEST_INLINE = CHECKPOINT_SIZE_LIMIT_BYTES - 1024
"""In bytes of the record, in the mode OVERFLOW."""
_MAY_PASS = frozenset(
    getattr(errno, name)
    for name in (
        "EAGAIN",
        "EBUSY",
        "EINTR",
        "EIO",
        "ESTALE",
        "ETIMEDOUT",
        "EREMOTEIO",
        "ENETDOWN",
        "EHOSTDOWN",
    )
    if hasattr(errno, name)
)


class FileSystemSerDesMode(StrEnum):
    """What goes into files: every value, or those too large for a checkpoint."""

    ALWAYS = "ALWAYS"
    OVERFLOW = "OVERFLOW"


class FileSystemPathEncoding(StrEnum):
    """How files are named.

    URI: `<function>/<execution>/<invocation>/<operation id>.json` from the parts of the ARN; an ARN of
    another form is one folder, percent-encoded. HASH: the SHA-256 digests of the ARN and of the operation id.
    """

    URI = "URI"
    HASH = "HASH"


class GeneratePreview(Protocol):
    """Makes a preview of a value, or None: `build_preview` with a config of its own, say."""

    def __call__(self, value: Any) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class FileSystemSerDesConfig:
    """How values are stored.

    Args:
        storage_mode: what goes into files.
        path_encoding: how files are named.
        generate_preview: what is recorded beside the path of a file.
        serdes: between values and text, also that of files.

    Raises:
        ValidationError: an argument is of the wrong type.
    """

    storage_mode: FileSystemSerDesMode = FileSystemSerDesMode.ALWAYS
    path_encoding: FileSystemPathEncoding = FileSystemPathEncoding.URI
    generate_preview: GeneratePreview | None = None
    serdes: SerDes[Any] = EXTENDED_TYPES_SERDES

    def __post_init__(self) -> None:
        check_type("storage_mode", self.storage_mode, FileSystemSerDesMode)
        check_type("path_encoding", self.path_encoding, FileSystemPathEncoding)
        check_callable("generate_preview", self.generate_preview)
        check_serdes("serdes", self.serdes)


class FileSystemSerDes(SerDes[Any]):
    """Stores values in files below `base_path`.

    Raises (in use):
        RetryableSerDesError: the file system failed in a way that may pass.
        SerDesError: it failed in another way, or a record is none of these or points elsewhere.
    """

    def __init__(self, base_path: str, config: FileSystemSerDesConfig | None = None) -> None:
        self._base_path = os.fspath(base_path)
        self._config = config or FileSystemSerDesConfig()

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        config = self._config
        text = config.serdes.serialize(value, serdes_context)
        if config.storage_mode is FileSystemSerDesMode.OVERFLOW:
            inline = json.dumps({"data": text})
            if len(inline) <= LARGEST_INLINE:  # json.dumps gives ASCII
                return inline
        record: dict[str, Any] = {"file": self._write(text, serdes_context)}
        preview = config.generate_preview(value) if config.generate_preview else None
        if preview:
            record["preview"] = preview
        return json.dumps(record)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        record: Any = json.loads(data)
        if not isinstance(record, dict) or not ("file" in record or "data" in record):
            raise _error('what is recorded is neither {"file": ...} nor {"data": ...}', serdes_context)
        envelope = cast("dict[str, Any]", record)
        if "file" not in envelope:
            return self._config.serdes.deserialize(envelope["data"], serdes_context)
        return self._config.serdes.deserialize(self._read(envelope["file"], serdes_context), serdes_context)

    # ------------------------------------------------------------------ typed()

    @property
    def is_typed(self) -> bool:
        """Whether it takes values of one type alone."""
        return getattr(self._config.serdes, "is_typed", False) is True

    def for_function(self, func: Callable[..., Any] | None) -> "FileSystemSerDes":
        """The same, with its own serdes bound to the function."""
        return self._bound("for_function", func)

    def for_batch(self, functions: Sequence[Callable[..., Any]]) -> "FileSystemSerDes":
        """The same for the batch of these functions."""
        return self._bound("for_batch", functions)

    def _bound(self, method: str, what: object) -> "FileSystemSerDes":
        config = self._config
        bind = getattr(config.serdes, method, None)
        if bind is None:
            return self
        return FileSystemSerDes(
            self._base_path,
            FileSystemSerDesConfig(
                config.storage_mode, config.path_encoding, config.generate_preview, bind(what)
            ),
        )

    # ------------------------------------------------------------------ files

    def _path(self, serdes_context: SerDesContext) -> str:
        arn, name = serdes_context.durable_execution_arn, serdes_context.operation_id
        if self._config.path_encoding is FileSystemPathEncoding.HASH:
            return os.path.join(self._base_path, _digest(arn), f"{_digest(name)}.json")  # noqa: PTH118  # is recorded as it is
        parts = DurableExecutionArn.from_arn(arn)
        folders = (
            (parts.function_name, parts.execution_name, parts.invocation_id)
            if parts
            else (quote(arn, safe=""),)
        )
        return os.path.join(self._base_path, *folders, f"{quote(name, safe='')}.json")  # noqa: PTH118

    def _write(self, text: object, serdes_context: SerDesContext) -> str:
        if not isinstance(text, str):
            made = type(text).__name__
            raise _error(f"{self._config.serdes!r} made a {made} of the value, not a str", serdes_context)
        recorded = self._path(serdes_context)
        path = self._inside(recorded, serdes_context)
        new = path.with_name(f"{uuid.uuid4().hex}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                new.write_text(text, encoding="utf-8", newline="")
                new.replace(path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _failed("written", recorded, error, serdes_context) from error
        return recorded

    def _read(self, recorded: object, serdes_context: SerDesContext) -> str:
        if not isinstance(recorded, str):
            raise _error("the recorded path is no text", serdes_context)
        path = self._inside(recorded, serdes_context)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return file.read()
        except OSError as error:
            raise _failed("read", recorded, error, serdes_context) from error

    def _inside(self, path: str, serdes_context: SerDesContext) -> Path:
        """The path, if it lies below the folder, links followed."""
        try:
            found, base = Path(path).resolve(), Path(self._base_path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise _error(f"{path!r} is no path: {error}", serdes_context) from error
        if base in found.parents:
            return found
        raise _error(
            f"{path!r} does not lie below {self._base_path!r}, where this FileSystemSerDes keeps its files. "
            "If the folder has moved, give executions that are under way the former one",
            serdes_context,
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _failed(done: str, path: str, error: OSError, serdes_context: SerDesContext) -> Exception:
    message = f"{path!r} could not be {done}: {error.strerror or error}"
    if error.errno in _MAY_PASS or isinstance(error, ConnectionError | TimeoutError):
        return RetryableSerDesError(f"{message} (operation {serdes_context.operation_id})")
    return _error(message, serdes_context)


def _error(message: str, serdes_context: SerDesContext) -> SerDesError:
    where = f" (operation {serdes_context.operation_id})" if serdes_context.operation_id else ""
    return SerDesError(f"{message}{where}")
