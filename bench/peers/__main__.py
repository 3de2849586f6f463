"""``python -m bench.peers``: train the same models in every peer and print one table."""

from __future__ import annotations

import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer

from bench.peers.protocol import OURS, PEERS
from bench.peers.report import write_report
from bench.peers.rounds import run_rounds
from bench.peers.table import Clock, markdown, rows
from bench.peers.task import Task
from bench.results.provenance import collect_environment, installed_version

OUT = Path("docs/results/peers")


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Timed trainings of every peer.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of one training.")] = 30,
    threads: Annotated[int, typer.Option(min=1, help="Threads, and cores, of every peer.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, or cuda for the peers of a GPU.")] = "cpu",
    only: Annotated[
        list[str] | None, typer.Option(metavar="PEER", help="Leave out all but these and ours.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = OUT,
) -> None:
    """Train the same models here, in plain PyTorch, in pythae and in JAX, and compare."""
    if device not in OURS:
        raise typer.BadParameter(f"device: {device!r} is unknown; {', '.join(OURS)} are allowed")
    if device == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter(f"CUDA is not available to torch {torch.__version__} here")
    here = [name for name, peer in PEERS.items() if peer.device == device]
    unknown = sorted(set(only or ()) - set(here))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is unknown; {', '.join(here)} are allowed")
    names = [name for name in here if only is None or name in {*only, OURS[device]}]
    absent = sorted({PEERS[n].needs for n in names if installed_version(PEERS[n].needs) is None})
    if absent:
        raise typer.BadParameter(
            f"{', '.join(absent)} not installed here; `nox -s peers` builds an environment with it"
        )
    task = Task(epochs=epochs, device=device)
    started_at, clock = datetime.now(UTC), time.perf_counter()
    measurements = []
    for measured in run_rounds(names, task, rounds=rounds, threads=threads):
        measurements.append(measured)
        seconds = f"{measured.wall_seconds:.1f} s"
        typer.echo(f"round {measured.round + 1} of {rounds}: {measured.peer} {seconds}", err=True)
    # Processor time is blind to other programs, but adds up threads that work side by side.
    timed_by: Clock = "cpu" if threads == 1 and device == "cpu" else "wall"
    table = rows(measurements, task.steps, timed_by)
    environment = collect_environment(
        command=_command(), started_at=started_at, wall_seconds=time.perf_counter() - clock
    )
    versions = {PEERS[name].needs: installed_version(PEERS[name].needs) for name in names}
    paths = write_report(
        out,
        task=task,
        measurements=measurements,
        table=table,
        clock=timed_by,
        environment={**environment, **versions, "threads": threads, "rounds": rounds},
    )
    typer.echo(markdown(table))
    typer.echo(f"written: {', '.join(map(str, paths))}")


def _command() -> str:
    return shlex.join(["python", "-m", "bench.peers", *sys.argv[1:]])


if __name__ == "__main__":
    typer.run(main)
