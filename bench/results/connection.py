"""How the file of a store is opened, and what is said when SQLite cannot go on with it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bench.results.errors import DamagedStoreError, StoreError

__all__ = ["connect", "damaged", "one_line_errors"]

BUSY_SECONDS = 10.0
_REPAIR = "the same run again, or python -m bench repair, sets it aside and keeps what can be read"

# By primary result code: the low byte of the extended one.
_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and run the same command again, "
    "what is stored is kept",
    sqlite3.SQLITE_NOTADB: f"is no SQLite file and was left as it is; {_REPAIR}",
    sqlite3.SQLITE_READONLY: "cannot be written; a folder with write permission is needed",
    sqlite3.SQLITE_BUSY: "another process is writing to it; wait for it or use another --out",
    sqlite3.SQLITE_IOERR: "cannot be read or written (input/output error or full disk); what is "
    "stored is kept",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; a readable file in a writable folder is needed",
}


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file; where not even SQLite's helper files can be made, take it as unchanging.

    Raises
    ------
    DamagedStoreError
        If nothing is left of the file but its log.
    """
    log = path.with_name(path.name + "-wal")
    if not read_only:
        # SQLite would throw the log away as another file's.
        if path.exists() and path.stat().st_size == 0 and log.exists() and log.stat().st_size > 0:
            raise DamagedStoreError(damaged(path))
        return sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    if not log.exists():
        address += "&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def damaged(path: Path) -> str:
    """What is said of a file that SQLite finds damaged."""
    return f"{path}: is damaged and was left as it is; {_REPAIR}"


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the file into one line that tells what to do.

    Raises
    ------
    DamagedStoreError
        If the file is damaged, or no SQLite file.
    StoreError
        If it cannot be read or written for another reason.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # no trouble with the file: the store was used wrongly
            raise
        code &= 0xFF
        if code == sqlite3.SQLITE_CORRUPT:
            raise DamagedStoreError(damaged(path)) from error
        kind = DamagedStoreError if code == sqlite3.SQLITE_NOTADB else StoreError
        raise kind(f"{path}: {_EXPLANATIONS.get(code, str(error))}") from error
