"""Runs tests in fresh processes of one thread each, and reads what they measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.gates.errors import GateError
from bench.gates.plugin import ONLY, OPTION
from bench.gates.records import Record, read

__all__ = ["Checkout", "Session"]

PLUGIN = "bench.gates.plugin"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
JUDGED_ELSEWHERE = {0, 1, 5}
"""What pytest exits with when it ran: all passed, some failed, there were no tests."""


@dataclass(frozen=True)
class Checkout:
    """A tree that is measured: where it lies, and the Python that has what it needs."""

    root: Path
    python: Path = Path(sys.executable)

    def environment(self) -> dict[str, str]:
        """Variables of a process whose imports come from this tree."""
        behind = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([str(self.root), *([behind] if behind else [])])
        return {**os.environ, **ONE_THREAD, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


class Session:
    """Measures tests of one checkout.

    Parameters
    ----------
    checkout
        The tree whose code is measured.
    tests
        A folder or file of tests, relative to the checkout.
    folder
        Where each process puts what it measured; emptied first.
    only
        Run only tests whose name begins with one of these; none for all.
    """

    def __init__(
        self, checkout: Checkout, tests: Path, folder: Path, only: Sequence[str] = ()
    ) -> None:
        self.checkout = checkout
        self.tests = tests
        self.only = only
        self._folder = folder.absolute()
        self._processes = 0
        shutil.rmtree(self._folder, ignore_errors=True)

    def asks_for(self, name: str) -> bool:
        """Whether a figure of this name is measured, if there is such a test."""
        return not self.only or name.startswith(tuple(self.only))

    def measure(self, nodes: Sequence[str] | None = None) -> list[Record]:
        """Run all tests, or those of these ids, in one process.

        Raises
        ------
        GateError
            When pytest could not run them at all.
        """
        self._processes += 1
        folder = self._folder / f"process-{self._processes}"
        folder.mkdir(parents=True)
        file = folder / "records.json"
        command = [
            *(str(self.checkout.python), "-m", "pytest", "-q", "-p", PLUGIN),
            *("-p", "no:cacheprovider"),
            *("-W", "ignore:Not saving anything"),  # said where no test of many is a timed one
            *("--benchmark-timer=time.process_time", f"--benchmark-json={folder / 'times.json'}"),
            *(OPTION, str(file), *(f"{ONLY}={name}" for name in self.only)),
            *(nodes or [str(self.tests)]),
        ]
        ran = subprocess.run(  # noqa: S603 - our own command, no shell
            command,
            cwd=self.checkout.root,
            env=self.checkout.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        (folder / "pytest.txt").write_text(ran.stdout + ran.stderr, encoding="utf-8")
        if ran.returncode not in JUDGED_ELSEWHERE or not file.exists():
            said = (ran.stderr.strip() or ran.stdout.strip() or "nothing").splitlines()[-1]
            raise GateError(
                f"{self.tests}: pytest could not run the tests (exit {ran.returncode}: {said}); "
                f"all it said is in {folder / 'pytest.txt'}"
            )
        return read(file)
