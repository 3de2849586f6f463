"""How long a sweep takes to decide that all of its runs are there already."""

from __future__ import annotations

import time
from pathlib import Path

from bench.plan import SweepSpec, expand
from bench.results import Curves, RunRecord, Store

EPOCHS = 20
RUNS_AT_ONCE = 1000


def seconds_to_resume(runs: int, folder: Path) -> tuple[float, float]:
    """Fill a store with finished runs and ask it what is to do.

    Returns
    -------
    tuple of float
        Seconds to lay out the grid, and to open the store (its check included) and decide.
    """
    axes = {"objective": ["vae"], "kl_weight": [0.1, 1.0], "seed": [*range(-(-runs // 2))]}
    spec = SweepSpec.model_validate({"name": "resume", "sweep": axes})
    started = time.perf_counter()
    grid = expand(spec, "no data")[:runs]
    laid_out = time.perf_counter() - started
    path = folder / "resume.sqlite"
    curves = Curves((1.5,) * EPOCHS, (1.25,) * EPOCHS, (0.5,) * EPOCHS)
    with Store(path) as store:
        for start in range(0, runs, RUNS_AT_ONCE):
            store.add(
                RunRecord(config=run, status="ok", curves=curves)
                for run in grid[start : start + RUNS_AT_ONCE]
            )
    started = time.perf_counter()
    with Store(path) as store:
        store.check_data("no data")
        todo = store.pending(grid)
    decided = time.perf_counter() - started
    if todo:
        raise RuntimeError(f"{len(todo)} finished runs were taken for missing")
    return laid_out, decided
