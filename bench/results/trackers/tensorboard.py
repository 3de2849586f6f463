"""A sweep as TensorBoard logs: a folder of one event file for each run, hyperparameters in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results.errors import ExportError
from bench.results.files import replaced_folder, writing
from bench.results.trackers.runs import TrackedRun, missing_package

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

__all__ = ["FOLDER", "to_tensorboard"]

FOLDER = "tensorboard"
FILE = "events.out.tfevents.0"
"""The name that TensorBoard looks for, without the host, process and time that it adds itself."""


def to_tensorboard(runs: Iterable[TrackedRun], name: str, folder: Path) -> int:
    """Write the logs of runs to ``tensorboard/<name>/<run_id>/`` in ``folder``.

    Curves are scalars by epoch, numbers scalars at the last epoch, the configuration the
    hyperparameters. A run that is there already is replaced. Scalars are rounded to float32, as
    TensorBoard keeps them.

    Raises
    ------
    ExportError
        If TensorBoard is not installed.
    SweepDirectoryError
        If the disk is full or the folder cannot be written.
    """
    try:
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ModuleNotFoundError as error:
        raise ExportError(missing_package("tensorboard", error)) from None
    count = 0
    for run in runs:
        place = folder / FOLDER / name / run.run_id
        with writing(place), replaced_folder(place) as beside, (beside / FILE).open("wb") as file:
            writer = RecordWriter(file)
            for event in _events(run):
                writer.write(event.SerializeToString())
        count += 1
    return count


def _events(run: TrackedRun) -> Iterator[Event]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    now = time.time()

    def scalar(tag: str, value: float, step: int) -> Event:
        values = [Summary.Value(tag=tag, simple_value=value)]
        return Event(wall_time=now, step=step, summary=Summary(value=values))

    yield Event(wall_time=now, file_version="brain.Event:2")
    hyperparameters = hparams_pb(run.configuration, trial_id=run.run_id, start_time_secs=now)
    yield Event(wall_time=now, summary=hyperparameters)
    last = 0
    for name, curve in run.curves.items():
        for epoch, value in curve:
            yield scalar(f"curves/{name}", value, epoch)
            last = max(last, epoch)
    for name, value in run.numbers.items():
        yield scalar(f"measured/{name}", value, last)
