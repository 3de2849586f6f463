"""Writing so that a file is either as it was or complete, and errors of the disk in one line."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.results.errors import SweepDirectoryError

__all__ = ["replaced", "writing"]


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; on success it takes the place of ``path``.

    If writing fails, ``path`` is as it was and nothing is left beside it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one line: where, what, and what to do.

    Raises
    ------
    SweepDirectoryError
        In place of an ``OSError``; ``path`` is named where that names no file.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            advice = "free some space and run the same command again, what finished is kept"
        else:
            advice = "a folder with write permission is needed; --out names another"
        reason = (error.strerror or str(error)).lower()
        raise SweepDirectoryError(
            f"{error.filename or path}: cannot be written: {reason}; {advice}"
        ) from error
