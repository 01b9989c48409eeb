"""One process owns a database: a lock on a file beside it says which.

SQLite's own locks keep two writers apart for the length of a transaction only, but two drivers of the
same executions would invoke their handlers twice. The operating system drops the lock when its
process dies, however it dies, so there is nothing to clean up after a crash.
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO

from durably.workflows.local.errors import DatabaseError, DatabaseInUseError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        file.seek(1 << 30)  # far behind the process id, which others must be able to read
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _why_not(database: Path, error: OSError) -> str:
    if not database.parent.is_dir():
        return f"There is no folder {database.parent} for a database. Make it, or name another."
    return (
        f"Cannot lock the database {database}: {error.strerror}. "
        f"A file is made beside it; the folder {database.parent} must be writable."
    )


class DatabaseLock:
    """The exclusive right to a database, from construction to `release`."""

    def __init__(self, database: Path) -> None:
        """Take the lock.

        Raises:
            DatabaseInUseError: somebody else has it.
            DatabaseError: the lock file cannot be made, as in a folder that does not exist.
        """
        self._path = database.with_name(database.name + ".lock")
        while True:
            try:
                self._file = self._path.open("a+b")
            except OSError as error:
                raise DatabaseError(_why_not(database, error)) from error
            if not _try_lock(self._file):
                owner = self._read_owner()
                self._file.close()
                raise DatabaseInUseError(
                    f"The database {database} is in use by process {owner}. "
                    "Stop that process, or use another database."
                )
            if self._is_in_place():
                break
            self._file.close()  # its owner removed it between our open and our lock
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode())
        self._file.flush()

    def release(self) -> None:
        """Give the lock back, and remove its file; a second call does nothing."""
        if self._file.closed:
            return
        try:
            self._path.unlink()
        except OSError:  # Windows removes no open file; the lock goes with the handle all the same
            pass
        self._file.close()

    def _read_owner(self) -> str:
        self._file.seek(0)
        return self._file.read(20).decode(errors="replace").strip() or "unknown"

    def _is_in_place(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return False
        mine = os.fstat(self._file.fileno())
        return (there.st_ino, there.st_dev) == (mine.st_ino, mine.st_dev)
