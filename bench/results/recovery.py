"""What becomes of a damaged store: it is set aside, never overwritten, and read as far as it goes.

SQLite has no sums over its pages, so a value that changed on the disk within a sound page goes
unnoticed. A run is taken if its id is that of its configuration and its values have their types,
with what is left of its curves, which a note then says; any other run is computed again.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, get_args

from bench.results.columns import COLUMNS
from bench.results.errors import DamagedStoreError, StoreError
from bench.results.files import replaced, writing
from bench.results.records import Status
from bench.results.schema import NAMES
from bench.results.sqlite_pages import records, with_log
from bench.results.store import Store, StoredRun

__all__ = ["open_or_recover", "recover", "repair"]


def open_or_recover(path: Path, say: Callable[[str], None]) -> Store:
    """Open a store for writing; one that is damaged is set aside and what can be read is kept.

    Parameters
    ----------
    say
        Told on one line what was found, if anything.

    Raises
    ------
    StoreError
        If the file is another program's, of another schema, or cannot be opened.
    """
    try:
        return Store(path)
    except DamagedStoreError:
        say(recover(path))
        return Store(path)


def repair(path: Path) -> str:
    """Check every page of a store, recover it if one is damaged, and say what was found."""
    try:
        with Store(path) as store:
            store.check_whole()
    except DamagedStoreError:
        return recover(path)
    return f"{path} is sound"


def recover(path: Path) -> str:
    """Set a damaged store aside, and put the runs that can be read into a new one.

    The new one takes the place of the old when it is whole: what ends this on the way, a kill or a
    full disk, leaves the damaged store where it was, to be recovered again.

    Returns
    -------
    str
        What was done, on one line.

    Raises
    ------
    StoreError, SweepDirectoryError
        If the disk is full or cannot be read or written.
    """
    with writing(path), replaced(path) as beside:
        with Store(beside) as store:
            recovered = store.restore(_readable(path))
        if _companion(beside, "-wal").exists():  # closing does not say that it had no room
            raise StoreError(
                f"{path}: no room for what could be read of it; free some space and run the same "
                "command again"
            )
        aside = _set_aside(path)
    return f"{path} was damaged; it lies in {aside.name} now, {recovered} runs could be read"


def _set_aside(path: Path) -> Path:
    """Copy the file, which stays until another takes its place, and rename what SQLite keeps beside
    it: it would take the log for that of the new file.
    """
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    with replaced(aside) as copy:
        shutil.copyfile(path, copy)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            _companion(path, suffix).rename(_companion(aside, suffix))
    return aside


def _companion(path: Path, suffix: str) -> Path:
    """What SQLite keeps beside a file: its log ("-wal") and the index of that ("-shm")."""
    return path.with_name(path.name + suffix)


def _readable(damaged: Path) -> Iterator[StoredRun]:
    """The runs of a damaged file that can be read and agree with themselves."""
    log = _companion(damaged, "-wal")
    content = with_log(damaged.read_bytes(), log.read_bytes() if log.exists() else b"")
    names = _columns(content)
    rows: dict[str, dict[str, Any]] = {}
    curves: dict[str, dict[int, tuple[Any, ...]]] = {}
    for record in records(content):
        match record:
            case (str(run_id), int(epoch), loss, error, rate):
                curves.setdefault(run_id, {})[epoch] = (epoch, loss, error, rate)
            case (str(run_id), str(), *_) if len(record) > len(("run_id", "status", "data_hash")):
                row = dict(zip(names, record, strict=False))
                if rows.get(run_id, {}).get("status") != "ok":  # not one of a free page
                    rows[run_id] = row
    for run_id, row in rows.items():
        with suppress(ValueError):  # a value is of another type
            values = tuple(column.convert(row.get(column.name)) for column in COLUMNS)
            epochs = [epoch for _, epoch in sorted(curves.get(run_id, {}).items())]
            run = StoredRun(values, str(row.get("config")), epochs)
            if _is_sound(run):
                yield _with_note(run)


def _columns(content: bytes) -> list[str]:
    """Names of the columns in the order of the file; none where even that is lost."""
    unlogged = content[:18] + bytes([1, 1]) + content[20:]  # a file in memory cannot have a log
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.deserialize(unlogged)
            connection.execute("PRAGMA writable_schema = ON")  # else one cut short is not opened
            return [name for _, name, *_ in connection.execute("PRAGMA table_info(runs)")]
        except sqlite3.DatabaseError:
            return []


def _is_sound(run: StoredRun) -> bool:
    """Whether a run's id is that of its configuration."""
    digest = hashlib.sha256(run.config.encode()).hexdigest()
    return digest[:16] == run.value("run_id") and run.value("status") in get_args(Status)


def _with_note(run: StoredRun) -> StoredRun:
    """Say in a finished run that a part of its curves is lost."""
    whole = [*range(1, int(run.value("epochs") or 0) + 1)]
    if run.value("status") != "ok" or [epoch for epoch, *_ in run.curves] == whole:
        return run
    said = run.value("training_notes")
    note = f"{len(run.curves)} of {len(whole)} points of its curves recovered from a damaged store"
    row = list(run.row)
    row[NAMES.index("training_notes")] = f"{said}; {note}" if said else note
    return replace(run, row=tuple(row))
