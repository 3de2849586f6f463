"""A sweep in the form of programs that track experiments; each is an optional extra.

A tracker is a function of the runs, the sweep's name and a folder that returns how many runs it
wrote. Runs that are there already are not doubled.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.results.trackers.mlflow import to_mlflow
from bench.results.trackers.runs import TrackedRun, tracked_runs
from bench.results.trackers.tensorboard import to_tensorboard

__all__ = ["TRACKERS", "TrackedRun", "tracked_runs"]

TRACKERS: dict[str, Callable[[Iterable[TrackedRun], str, Path], int]] = {
    "mlflow": to_mlflow,
    "tensorboard": to_tensorboard,
}
