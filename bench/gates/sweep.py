"""The quality of a small sweep over seeds, as the gate reads it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bench.console import Console
from bench.executors import ExecutorRequest
from bench.gates.errors import GateError
from bench.pipeline import run_sweep
from bench.plan import SweepSpec

__all__ = ["GATED", "qualities", "run_small_sweep"]

GATED = {
    "test_mse": 1e-3,
    "test_rate_nats": 1e-3,
    "test_elbo_nats": 1e-3,
    "probe_linear_accuracy": 3e-3,
    "probe_knn_accuracy": 3e-3,
    "probe_linear_accuracy_pixels": 3e-3,
    "prior_coverage": 3e-3,
}
"""Columns that are gated where they apply, with the least relative change that is one: for shares
of the digits' 360 test images, one image.
"""

GROUPS = ["objective", "latent_dim", "kl_weight", "recon_weight", "device"]
GROUPS_WITHIN = ["posterior", "latent_samples", "dtype"]
"""Axes whose value may follow from the objective: they part the runs only where they are swept."""


def run_small_sweep(spec: SweepSpec, folder: Path) -> pd.DataFrame:
    """Run a sweep in this process into ``folder/<name>``; one row a run.

    Raises
    ------
    GateError
        When a run did not end well, there are fewer than two seeds, or the folder holds the sweep
        already: its runs would not be computed again, and nothing would be measured.
    """
    if len(spec.sweep.seed) < 2:
        raise GateError("sweep.seed: one seed has no interval; two or more are needed")
    directory = folder / spec.name
    if directory.exists():
        raise GateError(f"{directory}: is there already; a sweep is gated once under one name")
    console = Console(io.StringIO())
    here = ExecutorRequest(name="local")
    run_sweep(spec, directory, console=console, command="vae_gate", executors=here, report=False)
    runs = pd.read_parquet(directory / "results.parquet")
    bad = runs[runs["status"] != "ok"]
    if len(bad):
        first = bad.iloc[0]
        raise GateError(f"{len(bad)} of {len(runs)} runs {first['status']}: {first['reason']}")
    return runs


def qualities(
    runs: pd.DataFrame,
) -> Iterator[tuple[str, dict[str, list[float]], dict[str, float]]]:
    """What is gated of each group of runs that differ in their seed alone: label, values by name,
    and the resolution of each name.
    """
    overall = runs[GROUPS].nunique(dropna=False)
    within = runs.groupby("objective")[GROUPS_WITHIN].nunique().max()
    varied = [name for name in GROUPS if overall[name] > 1]
    varied += [name for name in GROUPS_WITHIN if within[name] > 1]
    grouped = runs.groupby(varied, dropna=False, sort=False) if varied else [((), runs)]
    for _, group in grouped:
        label = ",".join(str(part) for part in group[varied].iloc[0].dropna()) or "runs"
        columns = group.sort_values("seed")[list(GATED)].dropna(axis="columns", how="all")
        values = {str(name): column.tolist() for name, column in columns.items()}
        resolution = {
            f"{label} {name}": abs(column.mean()) * GATED[str(name)]
            for name, column in columns.items()
        }
        yield label, values, resolution
