"""Writing so that a file is either as it was or complete, and errors of the disk in one line.

What has taken its place is synced: a loss of power after that does not take it away.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.results.errors import SweepDirectoryError

__all__ = ["make_folder", "replaced", "replaced_folder", "writing"]


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; on success it takes the place of ``path``.

    If writing fails, ``path`` is as it was and nothing is left beside it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        _sync(beside)
        beside.replace(path)
        _sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` to put files into; on success it takes its place.

    Parents that are missing are made; what a killed process left beside is removed. If writing
    fails, nothing is left beside ``path``. A folder that is there goes first: a kill just then
    leaves neither.
    """
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.tmp")
    if beside.exists():
        shutil.rmtree(beside)
    beside.mkdir()
    try:
        yield beside
        for written in (*beside.rglob("*"), beside):
            _sync(written)
        if path.exists():
            shutil.rmtree(path)
        beside.replace(path)
        _sync(path.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def make_folder(path: Path) -> None:
    """Make a folder that is not there, and the parents it lacks."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        _sync(folder.parent)


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
        # The system's own words: libraries put paths and more into theirs.
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise SweepDirectoryError(
            f"{error.filename or path}: cannot be written: {reason}; {advice}"
        ) from error


def _sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
