"""The faults: a driver, or a worker, is SIGKILLed at a random moment; a store is damaged."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

import pandas as pd

from bench.chaos.sweep import Sweep, differing
from bench.executors import ExecutorRequest
from bench.plan import SweepSpec
from bench.results.directory import STORE

WORKERS = {
    "pool": "multiprocessing.spawn",
    "ray": "ray::_attempt_on_node",
}
"""What the command line of a worker that is at work contains, by executor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What a kind of fault did. ``lost`` are runs that were on disk and are not any more, or that
    were said to be and are not, or that have no weights; ``differing`` are runs whose final results
    are not those of an undisturbed sweep, or that are missing or there twice. ``again`` are runs
    that had to be computed again: unreadable in a damaged store, or given up after three lost
    workers and right with ``--retry-failed``.
    """

    fault: str
    times: int
    sweeps: int
    lost: int
    again: int
    differing: int
    seconds: float


def kill_drivers(
    spec: SweepSpec, folder: Path, expected: pd.DataFrame, *, times: int, within: float, seed: int
) -> Damage:
    """SIGKILL the driver ``times`` times, each within so many seconds of its start.

    Raises
    ------
    RuntimeError
        If one ends by itself with an error: what a kill left was not taken up again.
    """
    started, random = time.monotonic(), Random(seed)  # noqa: S311 - not for secrets
    kills = lost = wrong = sweeps = 0
    while kills < times:
        sweep = Sweep(spec, folder / f"driver-{sweeps}", ExecutorRequest(name="local"))
        sweeps += 1
        before: set[str] = set()
        while kills < times:
            driver = sweep.start()
            driver.join(random.uniform(0, within))
            driver.kill()
            driver.join()
            now = sweep.finished()
            lost += len(before - now) + sweep.without_artifacts()
            lost += max(0, sweep.acknowledged() - len(now))
            before = now
            if driver.exitcode == 0:
                break
            if driver.exitcode != -signal.SIGKILL:
                raise RuntimeError(sweep.last_words(driver))
            kills += 1
        sweep.finish()
        wrong += differing(sweep.results(), expected)
    return Damage(
        fault="driver SIGKILLed",
        times=kills,
        sweeps=sweeps,
        lost=lost,
        again=0,
        differing=wrong,
        seconds=time.monotonic() - started,
    )


def kill_workers(
    spec: SweepSpec,
    folder: Path,
    expected: pd.DataFrame,
    *,
    executor: str,
    times: int,
    pause: tuple[float, float],
    seed: int,
) -> Damage:
    """SIGKILL a worker ``times`` times, with pauses of between so many seconds."""
    started, random = time.monotonic(), Random(seed)  # noqa: S311
    kills = lost = wrong = sweeps = again = 0
    while kills < times:
        request = ExecutorRequest(name=executor, workers=2)
        sweep = Sweep(spec, folder / f"{executor}-{sweeps}", request)
        sweeps += 1
        driver = sweep.start()
        while driver.is_alive():
            driver.join(random.uniform(*pause))
            workers = list(_workers(driver.pid or 0, WORKERS[executor]))
            if kills < times and workers:
                with suppress(ProcessLookupError):  # it ended by itself just now
                    os.kill(random.choice(workers), signal.SIGKILL)
                    kills += 1
        lost += len(expected) - len(sweep.recorded()) + sweep.without_artifacts()
        again += len(expected) - len(sweep.finished())
        sweep.finish(retry_failed=True)
        wrong += differing(sweep.results(), expected)
    return Damage(
        fault=f"worker SIGKILLed, {executor}",
        times=kills,
        sweeps=sweeps,
        lost=lost,
        again=again,
        differing=wrong,
        seconds=time.monotonic() - started,
    )


def damage_stores(
    finished: Sweep, folder: Path, expected: pd.DataFrame, *, times: int, seed: int
) -> Damage:
    """Cut a finished store short or overwrite a page of it, ``times`` times, and run again.

    ``lost`` counts damaged files that were not kept.
    """
    started, random = time.monotonic(), Random(seed)  # noqa: S311
    content = (finished.out / STORE).read_bytes()
    lost = wrong = again = 0
    for number in range(times):
        sweep = Sweep(finished.spec, folder / f"damaged-{number}", finished.executors)
        sweep.out.mkdir()
        (sweep.out / "spec.toml").write_bytes((finished.out / "spec.toml").read_bytes())
        place = random.randrange(100, len(content))
        damaged = content[:place] + (b"" if number % 2 else random.randbytes(4096))
        damaged += b"" if number % 2 else content[place + 4096 :]
        (sweep.out / STORE).write_bytes(damaged)
        sweep.finish()
        kept = [path.read_bytes() for path in sweep.out.glob(f"{STORE}.damaged-*")]
        lost += bool(kept) and damaged not in kept
        again += len(expected) - sweep.found_at_start()
        wrong += differing(sweep.results(), expected)
    return Damage(
        fault="store cut short or a page overwritten",
        times=times,
        sweeps=times,
        lost=lost,
        again=again,
        differing=wrong,
        seconds=time.monotonic() - started,
    )


def _workers(ancestor: int, mark: str) -> Iterator[int]:
    """Descendants of a process whose command line contains a mark."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            parents[int(folder.name)] = int(status.rpartition(")")[2].split()[1])
    for process in parents:
        above = process
        for _ in count():
            above = parents.get(above, 0)
            if above in (0, 1, ancestor):
                break
        if above == ancestor:
            with suppress(OSError):
                if mark in Path(f"/proc/{process}/cmdline").read_text(errors="replace"):
                    yield process
