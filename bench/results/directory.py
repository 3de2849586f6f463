"""The directory of a sweep: who owns it, which sweep it belongs to, and where each part lies.

The layout is a contract with the report and with outside readers:
``spec.toml``, ``environment.json``, ``results.sqlite``, ``results.parquet`` and ``.csv``,
``curves.parquet``, ``throughput.parquet``, ``artifacts/<run_id>/``, ``report/index.html``.
"""

import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TextIO

from bench.plan import toml
from bench.plan.diagnosis import shown
from bench.plan.errors import SpecError
from bench.plan.loading import load_spec
from bench.plan.spec import SweepSpec
from bench.results.errors import SweepDirectoryError
from bench.results.files import make_folder, replaced, replaced_folder, writing

__all__ = ["REPORT", "SPEC", "STORE", "SweepDirectory", "first_difference", "holder", "store_of"]

SPEC = "spec.toml"
STORE = "results.sqlite"
REPORT = "report/index.html"
LOCK = ".lock"
LOOKS_SECONDS = (0.01, 0.04, 0.2)
"""How long a start waits, again and again, for a lock that ``holder`` may be looking at."""


class SweepDirectory:
    """A sweep directory, open for the one process that may write to it.

    Opening creates it or checks that it belongs to the same specification, and takes its lock.
    The lock is the kernel's (``flock``): it ends with the process, however that ends.

    Parameters
    ----------
    path
        The directory; missing parents are created.
    spec
        The resolved specification.

    Raises
    ------
    SweepDirectoryError
        If another process holds it, it belongs to another specification, or it cannot be
        written.
    """

    def __init__(self, path: Path, spec: SweepSpec) -> None:
        self.path = path
        with writing(path):
            make_folder(path)
            self._lock = _locked(path)
        try:
            self._claim(spec)
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the lock back."""
        self._lock.close()

    @property
    def store_path(self) -> Path:
        """The SQLite store."""
        return self.path / STORE

    @property
    def environment(self) -> Path:
        """The file that says where the numbers come from."""
        return self.path / "environment.json"

    @property
    def artifacts(self) -> Path:
        """The folder of all runs' artifacts."""
        return self.path / "artifacts"

    def artifact(self, run_id: str) -> Path:
        """Folder of one run's artifacts."""
        return self.artifacts / run_id

    @contextmanager
    def new_artifact(self, run_id: str) -> Iterator[Path]:
        """Yield an empty folder to write a run's files into; on success it moves into place
        and is on the disk whatever then happens to the machine.

        A folder of the same run is replaced. If writing fails, nothing of it is left.

        Raises
        ------
        SweepDirectoryError
            If the disk is full or cannot be written.
        """
        final = self.artifact(run_id)
        with writing(final), replaced_folder(final) as beside:
            yield beside

    def write_environment(self, environment: Mapping[str, str | float | None]) -> None:
        """Write ``environment.json``, atomically."""
        path = self.environment
        text = json.dumps(environment, indent=2, ensure_ascii=False) + "\n"
        with writing(path), replaced(path) as beside:
            beside.write_text(text, encoding="utf-8")

    def _claim(self, spec: SweepSpec) -> None:
        path = self.path / SPEC
        if path.exists():
            self._check_same(path, spec)
        else:
            self._check_empty()
            with writing(path), replaced(path) as beside:
                beside.write_text(toml.dumps(spec.as_table()), encoding="utf-8")
        with writing(self.path):
            self._remove_unfinished()

    def _check_empty(self) -> None:
        """Refuse to write among somebody else's files; those of a killed start are hidden."""
        strangers = sorted(f.name for f in self.path.iterdir() if not f.name.startswith("."))
        if strangers:
            raise SweepDirectoryError(
                f"{self.path}: has no spec.toml but other files ({strangers[0]}); use another --out"
            )

    def _remove_unfinished(self) -> None:
        """Remove what a killed process was writing."""
        for unfinished in self.path.glob(".*.tmp*"):  # a store's log too
            unfinished.unlink()
        for unfinished in self.artifacts.glob(".*.tmp"):
            shutil.rmtree(unfinished)

    def _check_same(self, path: Path, spec: SweepSpec) -> None:
        try:
            stored = load_spec(path)
        except SpecError as error:
            raise SweepDirectoryError(f"{error}; use another --out") from None
        difference = first_difference(stored.as_table(), spec.as_table())
        if difference is not None:
            key, there, here = difference
            raise SweepDirectoryError(
                f"{self.path}: belongs to another sweep: {key} is {there} there and {here} here; "
                "use another --out, or the same specification"
            )


def store_of(path: Path) -> Path:
    """The store of a sweep directory that has results.

    Raises
    ------
    SweepDirectoryError
        If it is none, or has none yet.
    """
    for name in (SPEC, STORE):
        if not (path / name).is_file():
            raise SweepDirectoryError(f"{path}: is no sweep directory with results (no {name})")
    return path / STORE


def holder(path: Path) -> str | None:
    """Who is running a sweep in a directory ("process 12 on host a"), or None."""
    try:
        lock = (path / LOCK).open(encoding="utf-8")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return lock.read().strip() or "another process"
    return None


def _locked(path: Path) -> TextIO:
    """Take the lock and leave a note of who holds it."""
    lock = (path / LOCK).open("a+", encoding="utf-8")
    try:
        taken = _taken(lock)
    except BaseException:
        lock.close()
        raise
    if not taken:
        lock.seek(0)
        name = lock.read().strip() or "another process"
        lock.close()
        raise SweepDirectoryError(
            f"{path}: in use by {name}; wait for it to end or use another --out"
        )
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on host {socket.gethostname()}\n")
    lock.flush()
    return lock


def _taken(lock: TextIO) -> bool:
    """Take a lock, if nobody has it for longer than a look takes."""
    for wait in (0.0, *LOOKS_SECONDS):
        time.sleep(wait)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def first_difference(
    there: Mapping[str, Any], here: Mapping[str, Any], path: str = ""
) -> tuple[str, str, str] | None:
    """The first key that differs, with both values; an absent key has "no value"."""
    for key in dict.fromkeys([*there, *here]):
        left, right = there.get(key), here.get(key)
        inner = f"{path}.{key}" if path else key
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            difference = first_difference(left, right, inner)
            if difference is not None:
                return difference
        elif left != right:
            return inner, _shown(left), _shown(right)
    return None


def _shown(value: Any) -> str:
    return "no value" if value is None else shown(value)
