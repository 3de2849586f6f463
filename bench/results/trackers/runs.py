"""What trackers are told of a run: how it was configured, what was measured, how it trained."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results.columns import COLUMNS
from bench.results.exports import runs_with_speeds
from bench.results.store import Store, StoredRun

__all__ = ["CURVES", "TrackedRun", "missing_package", "tracked_runs"]

CURVES = ("loss", "squared_error", "rate_nats")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """A run that has ended.

    ``configuration``, ``numbers`` and ``words`` hold values by column, those that apply alone;
    ``curves`` has (epoch, value) pairs by name.
    """

    run_id: str
    is_ok: bool
    configuration: dict[str, str | int | float]
    numbers: dict[str, float]
    words: dict[str, str]
    curves: dict[str, list[tuple[int, float]]]


def tracked_runs(store: Store) -> Iterator[TrackedRun]:
    """The runs of a store that are ok or have failed, with the values of the exported tables."""
    for run in runs_with_speeds(store):
        if run.value("status") != "skipped":
            yield _tracked(run)


def missing_package(tracker: str, error: ModuleNotFoundError) -> str:
    """What to say where a package of a tracker is not installed."""
    package = (error.name or tracker).partition(".")[0]
    return (
        f"--to {tracker}: the package {package} is not installed; "
        f"pip install -c constraints.txt -e '.[{tracker}]'"
    )


def _tracked(run: StoredRun) -> TrackedRun:
    configuration: dict[str, str | int | float] = {}
    numbers: dict[str, float] = {}
    words: dict[str, str] = {}
    for column, value in zip(COLUMNS, run.row, strict=True):
        if value is None or column.name in {"run_id", "status"}:
            continue
        if column.name == "reason" or (column.measured and isinstance(value, str)):
            words[column.name] = str(value)
        elif column.measured:
            numbers[column.name] = float(value)
        else:
            configuration[column.name] = value
    curves: dict[str, list[tuple[int, float]]] = {}
    for epoch, *values in run.curves:
        for name, value in zip(CURVES, values, strict=True):
            if value is not None:
                curves.setdefault(name, []).append((int(epoch or 0), float(value)))
    return TrackedRun(
        run_id=str(run.value("run_id")),
        is_ok=run.value("status") == "ok",
        configuration=configuration,
        numbers=numbers,
        words=words,
        curves=curves,
    )
