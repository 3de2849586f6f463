"""``python -m bench.chaos``: disturb small sweeps, try random specifications, and print what was
tried and what was lost.
"""

import importlib.util
import os
import tempfile
from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import typer

from bench.chaos.faults import Damage, damage_stores, kill_drivers, kill_workers
from bench.chaos.fuzz import fuzz_plans, fuzz_runs
from bench.chaos.resume import seconds_to_resume
from bench.chaos.sweep import Sweep, chaos_spec
from bench.console import table
from bench.executors import ExecutorRequest

HEADER = ("fault", "times", "sweeps", "lost", "again", "differing", "seconds")


def main(
    driver_kills: Annotated[int, typer.Option(help="SIGKILLs of the driver.")] = 200,
    worker_kills: Annotated[int, typer.Option(help="SIGKILLs of workers, by executor.")] = 50,
    damages: Annotated[int, typer.Option(help="Stores that are damaged.")] = 20,
    finished: Annotated[int, typer.Option(help="Finished runs that a sweep resumes on.")] = 100_000,
    specs: Annotated[int, typer.Option(help="Random specifications that are laid out.")] = 10_000,
    trained: Annotated[int, typer.Option(help="Random tiny ones that are trained.")] = 50,
    seed: Annotated[int, typer.Option(help="Of moments, places and specifications.")] = 0,
) -> None:
    """Kill drivers and workers, damage stores, and count what was lost: nothing may be.

    Random specifications must run, be skipped or be refused in one line: none may end in a trace.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    executors = ["pool"] + ["ray"] * (importlib.util.find_spec("ray") is not None)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        whole = Sweep(chaos_spec(), folder / "whole", ExecutorRequest(name="local"))
        whole.finish()
        expected = whole.results()
        typer.echo(f"a sweep: {len(expected)} runs", err=True)
        damages_done: list[Damage] = []

        def report(damage: Damage) -> None:
            damages_done.append(damage)
            typer.echo(f"{damage.fault}: {damage.times} in {damage.seconds:.0f} s", err=True)

        if driver_kills:
            report(
                kill_drivers(
                    whole.spec, folder, expected, times=driver_kills, within=2.0, seed=seed
                )
            )
        if damages:
            report(damage_stores(whole, folder, expected, times=damages, seed=seed))
        if worker_kills:
            long = Sweep(chaos_spec(epochs=100), folder / "long", ExecutorRequest(name="local"))
            long.finish()
            for executor in executors:
                report(
                    kill_workers(
                        long.spec,
                        folder,
                        long.results(),
                        executor=executor,
                        times=worker_kills,
                        pause=(2.0, 6.0),
                        seed=seed,
                    )
                )
        laid_out, decided = seconds_to_resume(finished, folder)
        tried = {
            "laid out": fuzz_plans(specs, folder, seed),
            "run": fuzz_runs(trained, folder, seed),
        }
    typer.echo(
        f"resume on {finished} finished runs: {laid_out:.2f} s to lay out the grid, "
        f"{decided:.2f} s to decide"
    )
    for what, fuzzed in tried.items():
        for bug in fuzzed.bugs:
            typer.echo(f"{bug}\n", err=True)
        ends = fuzzed.verdicts
        typer.echo(
            f"random specifications: {ends['done']} {what}, {ends['refused']} refused in one line, "
            f"{len(fuzzed.bugs)} ended in a trace; {fuzzed.seconds:.0f} s"
        )
    typer.echo(table(HEADER, [(*astuple(d)[:-1], round(d.seconds)) for d in damages_done]))
    broken = any(fuzzed.bugs for fuzzed in tried.values())
    raise typer.Exit(int(broken or any(d.lost or d.differing for d in damages_done)))


if __name__ == "__main__":
    typer.run(main)
