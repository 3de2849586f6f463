"""Commands on sweep directories in which nothing is running: join, export, repair."""

from pathlib import Path
from typing import Annotated

import typer

from bench.arguments import Directory
from bench.console import counted, table
from bench.request_errors import one_line_errors

__all__ = ["export", "merge", "repair"]


def merge(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Sweep directories, two or more.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the joined sweep goes.")],
) -> None:
    """Join directories of one sweep that was run in parts, run by run.

    What is there twice is taken from the first that finished it.

    \b
    Examples:
      python -m bench merge runs/seeds-0-4 runs/seeds-5-9 --out runs/all
      python -m bench report runs/all
    """  # noqa: D301 - a backspace tells typer to keep the lines that follow
    with one_line_errors():
        from bench.results.merging import merge

        merged = merge(directories, out)
        for source, taken in merged.taken.items():
            typer.echo(f"{source}: {counted(taken, 'run')} taken")
        statuses = ("ok", "failed", "skipped")
        rows = [
            (device, *[counts.get(status, 0) for status in statuses])
            for device, counts in merged.counts.items()
        ]
        typer.echo(table(("device", *statuses), rows))


def export(
    directory: Directory,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where it goes.  [default: DIR itself]"),
    ] = None,
    to: Annotated[
        str,
        typer.Option(metavar="tables|mlflow|tensorboard", help="What is written."),
    ] = "tables",
) -> None:
    """Write a sweep in another form.

    tables: results as CSV and Parquet, curves and timings as Parquet. mlflow: a local MLflow store,
    mlflow.db; what it has of other sweeps stays. tensorboard: logs in the folder tensorboard. Both
    are optional extras.

    \b
    Examples:
      python -m bench export runs/digits --out tables
      python -m bench export runs/digits --to mlflow
      python -m bench export runs/digits --to tensorboard --out logs
    """  # noqa: D301
    with one_line_errors():
        from bench.plan.loading import load_spec
        from bench.results import Store
        from bench.results.directory import SPEC, store_of
        from bench.results.errors import ExportError
        from bench.results.exports import export
        from bench.results.trackers import TRACKERS, tracked_runs

        if to != "tables" and to not in TRACKERS:
            raise ExportError(f"--to: {to!r} is not allowed; tables, {', '.join(TRACKERS)} are")
        folder = out or directory
        with Store(store_of(directory), read_only=True) as store:
            folder.mkdir(parents=True, exist_ok=True)
            if to == "tables":
                export(store, folder)
                typer.echo(f"written: {folder}")
            else:
                name = load_spec(directory / SPEC).name
                count = TRACKERS[to](tracked_runs(store), name, folder)
                typer.echo(f"written: {counted(count, 'run')} to {folder}")


def repair(directory: Directory) -> None:
    """Check every page of a sweep's store; set a damaged one aside and keep what can be read.

    Runs that are lost are computed again by the next run.

    \b
    Example:
      python -m bench repair runs/digits
    """  # noqa: D301
    with one_line_errors():
        from bench.plan.loading import load_spec
        from bench.results import SweepDirectory
        from bench.results.directory import SPEC, store_of
        from bench.results.recovery import repair

        store_of(directory)
        with SweepDirectory(directory, load_spec(directory / SPEC)) as held:
            typer.echo(repair(held.store_path))
