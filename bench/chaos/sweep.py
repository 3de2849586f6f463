"""The sweep that is disturbed, a process that runs it, and whether its results are as they must be.

A driver is started by a fork server that has imported everything, so that a kill a second after
its start hits it at work and not while it imports.
"""

from __future__ import annotations

import multiprocessing
import sys
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pandas as pd

from bench.executors import ExecutorRequest
from bench.plan import SweepSpec
from bench.results import Store
from bench.results.directory import STORE

# What a run's surroundings decide, not its configuration.
SURROUNDINGS = ["train_seconds", "cohort_size", "executor", "training_notes"]
OFF = ("probes", "geometry", "rate_decomposition", "disentanglement", "throughput")


def chaos_spec(*, latent_dims: int = 8, epochs: int = 4) -> SweepSpec:
    """Small models on few digits: a cohort takes a fraction of a second."""
    return SweepSpec.model_validate(
        {
            "name": "chaos",
            "data": {"train_size": 96, "test_size": 32},
            "model": {"hidden": [8]},
            "sweep": {
                "latent_dim": [*range(2, 2 + latent_dims)],
                "kl_weight": [0.1, 1.0],
                "device": ["cpu"],
                "seed": [0, 1, 2, 3, 4, 5],
            },
            "training": {"epochs": epochs, "batch_size": 24},
            "metrics": dict.fromkeys(OFF, False),
        }
    )


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep in a directory; what its driver says goes to ``log``."""

    spec: SweepSpec
    out: Path
    executors: ExecutorRequest

    @property
    def log(self) -> Path:
        """What drivers said, one after the other."""
        return self.out.with_suffix(".log")

    def start(self, *, retry_failed: bool = False) -> BaseProcess:
        """Start a driver."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["bench.chaos.sweep", "bench.pipeline"])
        process = context.Process(target=_drive, args=(self, retry_failed))
        process.start()
        return process

    def finish(self, *, retry_failed: bool = False) -> None:
        """Run a driver to its end, undisturbed.

        Raises
        ------
        RuntimeError
            If it ends with an error; the log says which.
        """
        process = self.start(retry_failed=retry_failed)
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(self.last_words(process))

    def last_words(self, driver: BaseProcess) -> str:
        """How a driver that has ended did so, with the end of the log."""
        said = self.log.read_text(encoding="utf-8")
        return f"the driver ended with {driver.exitcode}: {said[-500:]}"

    def recorded(self) -> dict[str, str]:
        """Status of every run that is on disk."""
        if not (self.out / STORE).exists():
            return {}
        with Store(self.out / STORE) as store:  # as the next driver will open it
            return store.statuses()

    def finished(self) -> set[str]:
        """Ids of the runs that are on disk and ok."""
        return {run_id for run_id, status in self.recorded().items() if status == "ok"}

    def acknowledged(self) -> int:
        """Runs of which a driver said that they are on disk."""
        if not self.log.exists():
            return 0
        lines = self.log.read_text(encoding="utf-8").splitlines()
        said = [line[1:].partition("/")[0] for line in lines if line.startswith("[")]
        return max((int(number) for number in said if number.isdigit()), default=0)

    def found_at_start(self) -> int:
        """Runs that the last driver found there when it started."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        found = [line.split()[0] for line in lines if line.endswith("runs are there already")]
        return int(found[-1]) if found else 0

    def without_artifacts(self) -> int:
        """Runs that are ok and have no weights on disk."""
        folder = self.out / "artifacts"
        return sum(not (folder / run / "model.safetensors").is_file() for run in self.finished())

    def results(self) -> pd.DataFrame:
        """The exported table by run id, without what surroundings decide."""
        table = pd.read_parquet(self.out / "results.parquet").set_index("run_id")
        return table.drop(columns=SURROUNDINGS).sort_index()


def differing(found: pd.DataFrame, expected: pd.DataFrame) -> int:
    """Runs that are missing, there twice, or have other results than they must."""
    wrong = set(expected.index) ^ set(found.index) | set(found.index[found.index.duplicated()])
    for run_id in set(expected.index) - wrong:
        try:
            pd.testing.assert_series_equal(
                found.loc[run_id], expected.loc[run_id], rtol=1e-4, atol=1e-6
            )
        except AssertionError:
            wrong.add(run_id)
    return len(wrong)


def _drive(sweep: Sweep, retry_failed: bool) -> None:
    import torch

    from bench.console import Console
    from bench.pipeline import run_sweep

    torch.set_num_threads(1)
    # Stays open: the trace of what ends this process is written after this function.
    log = sweep.log.open("a", encoding="utf-8", buffering=1)
    sys.stderr = log
    run_sweep(
        sweep.spec,
        sweep.out,
        console=Console(log),
        command="python -m bench.chaos",
        executors=sweep.executors,
        retry_failed=retry_failed,
        report=False,
    )
