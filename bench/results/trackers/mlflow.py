"""A sweep as an MLflow experiment: one SQLite file, written without a server or a network."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results.errors import ExportError
from bench.results.trackers.runs import TrackedRun, missing_package

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

__all__ = ["FILE", "to_mlflow"]

FILE = "mlflow.db"
RUN_ID = "vaebench.run_id"
METRICS_AT_ONCE = 1000  # MLflow refuses more
RUNS_AT_ONCE = 1000


def to_mlflow(runs: Iterable[TrackedRun], name: str, folder: Path) -> int:
    """Log runs to the experiment ``name`` of the store ``mlflow.db`` in ``folder``.

    A configuration becomes parameters, numbers become metrics, words tags, and curves metrics by
    epoch. A run that is there already stays as it is; one whose logging was cut short, or that has
    ended otherwise since, is logged anew.

    Raises
    ------
    ExportError
        If MLflow is not installed, or its store cannot be opened or written.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read on import
    try:
        import alembic  # noqa: F401 - MLflow asks for it when it makes the tables
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SQLAlchemyError
    except ModuleNotFoundError as error:
        raise ExportError(missing_package("mlflow", error)) from None
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        client = MlflowClient(tracking_uri=f"sqlite:///{(folder / FILE).absolute()}")
        return _log_missing(runs, client, _experiment(client, name, folder))
    except (MlflowException, SQLAlchemyError) as error:
        raise ExportError(f"{folder / FILE}: cannot be written by MLflow: {error}") from error


def _experiment(client: MlflowClient, name: str, folder: Path) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    artifacts = (folder.absolute() / "mlartifacts").as_uri()  # made when somebody logs one
    return str(client.create_experiment(name, artifact_location=artifacts))


def _log_missing(runs: Iterable[TrackedRun], client: MlflowClient, experiment: str) -> int:
    there = _logged(client, experiment)
    count = 0
    for run in runs:
        status = "FINISHED" if run.is_ok else "FAILED"
        old, old_status = there.get(run.run_id, (None, None))
        if old_status == status:
            continue
        if old is not None:
            client.delete_run(old)
        _log(client, experiment, run, status)
        count += 1
    return count


def _logged(client: MlflowClient, experiment: str) -> dict[str, tuple[str, str]]:
    """MLflow's id and status of every run of a sweep that is there, by the sweep's id."""
    found: dict[str, tuple[str, str]] = {}
    token: str | None = None
    while True:
        page = client.search_runs([experiment], max_results=RUNS_AT_ONCE, page_token=token)
        for run in page:
            if RUN_ID in run.data.tags:
                found[run.data.tags[RUN_ID]] = run.info.run_id, run.info.status
        token = page.token
        if not token:
            return found


def _log(client: MlflowClient, experiment: str, run: TrackedRun, status: str) -> None:
    """Log one run. MLflow has it as running until the last step, which gives it its status."""
    from mlflow.entities import Metric, Param, RunTag

    start = int(time.time() * 1000)
    logged = client.create_run(
        experiment, start_time=start, run_name=run.run_id, tags={RUN_ID: run.run_id}
    ).info.run_id
    metrics = [Metric(name, value, start, 0) for name, value in run.numbers.items()]
    for name, curve in run.curves.items():
        metrics += [Metric(name, value, start, epoch) for epoch, value in curve]
    params = [Param(name, str(value)) for name, value in run.configuration.items()]
    tags = [RunTag(name, value) for name, value in run.words.items()]
    client.log_batch(logged, params=params, tags=tags)
    for first in range(0, len(metrics), METRICS_AT_ONCE):
        client.log_batch(logged, metrics=metrics[first : first + METRICS_AT_ONCE])
    end = start + int(1000 * run.numbers.get("train_seconds", 0))
    client.set_terminated(logged, status, end_time=end)
