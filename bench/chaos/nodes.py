"""How much sooner a sweep ends on two one-core nodes of a Ray cluster than on one.

``python -m bench.chaos.nodes`` on a machine of at least two cores with nothing else to do. The
nodes are this machine's; what joins two machines, their network, is not measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from typing import Annotated, Any

import typer

from bench.chaos.sweep import chaos_spec
from bench.console import table
from bench.executors import ExecutorRequest, RayExecutor, connected
from bench.measure.cohort import CohortWork
from bench.measure.reference import load_reference
from bench.plan import Cohort, RunConfig, SweepSpec, expand

__all__ = ["cohorts_per_second"]

NODE_MEMORY_BYTES = 80 * 2**20
"""Of a node's object store, which is far larger unless said."""


def cohorts_per_second(nodes: int, spec: SweepSpec, cohorts: Sequence[Cohort]) -> float:
    """Train cohorts on so many nodes of one CPU each, workers warm, and say how fast.

    Raises
    ------
    RuntimeError
        If a cohort fails.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read on import
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {
        "num_cpus": 1,
        "object_store_memory": NODE_MEMORY_BYTES,
        "include_dashboard": False,
    }
    executor, work = RayExecutor("cpu"), CohortWork(spec.data, spec.metrics, RayExecutor.name)
    with ExitStack() as stack:
        cluster = Cluster(initialize_head=True, head_node_args=node)
        stack.callback(cluster.shutdown)
        for _ in range(nodes - 1):
            cluster.add_node(**node)
        stack.enter_context(connected(ExecutorRequest(name="ray", address=cluster.address)))
        list(executor.run(cohorts[: 2 * nodes], work))  # workers import PyTorch and read the data
        started = time.perf_counter()
        outcomes = list(executor.run(cohorts, work))
        seconds = time.perf_counter() - started
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    if failed:
        raise RuntimeError(f"a cohort failed: {failed[0]}")
    return len(cohorts) / seconds


def main(
    rounds: Annotated[int, typer.Option(help="Clusters of each size, in turn.")] = 3,
    cohorts: Annotated[int, typer.Option(help="Cohorts of 16 runs each.")] = 12,
    epochs: Annotated[int, typer.Option(help="Epochs; 300 take about 4 s a cohort.")] = 300,
) -> None:
    """Time the same cohorts on one node and on two."""
    os.environ["OMP_NUM_THREADS"] = "1"
    typer.echo(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", err=True)
    spec = chaos_spec(latent_dims=1, epochs=epochs)
    (run, *_) = expand(spec, load_reference(spec.data, spec.metrics).dataset.content_hash)
    equal = [_cohort(run, first) for first in range(0, 16 * cohorts, 16)]
    speeds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for nodes, found in speeds.items():
            found.append(cohorts_per_second(nodes, spec, equal))
    one = median(speeds[1])
    rows = [
        (
            nodes,
            f"{median(found):.2f}",
            f"{min(found):.2f} to {max(found):.2f}",
            f"{median(found) / one:.2f}",
        )
        for nodes, found in speeds.items()
    ]
    typer.echo(table(("nodes", "cohorts/s", "rounds", "times one"), rows))


def _cohort(run: RunConfig, first_seed: int) -> Cohort:
    return Cohort(tuple(replace(run, seed=first_seed + member) for member in range(16)))


if __name__ == "__main__":
    typer.run(main)
