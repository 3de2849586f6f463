"""The whole flow on one screen: specification, runs, cohorts, records, tables, report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

import reports
from bench.console import Console, SweepOutcome
from bench.executors import Outcome, choose_executor
from bench.measure.cohort import CohortWork, RunResult, build_model, load_reference
from bench.measure.throughput import measure_throughput, one_run_of_each
from bench.plan import Plan, RunConfig, SweepSpec, check_against_data, expand, group
from bench.results import RunRecord, Store, SweepDirectory
from bench.results.exports import export
from bench.results.provenance import collect_environment
from kernels import resolve_backend
from vae_core import Dataset

__all__ = ["plan_sweep", "run_sweep"]


def run_sweep(
    spec: SweepSpec,
    out: Path,
    *,
    console: Console,
    command: str,
    workers: int | None = None,
    retry_failed: bool = False,
    report: bool = True,
) -> SweepOutcome:
    """Run what is missing of a sweep, measure it, and write its report.

    Parameters
    ----------
    spec
        A checked specification.
    out
        The sweep directory; what it holds of this specification is not computed again.
    command
        The command line, for ``environment.json``.
    workers
        Processes that train on the CPU: one a core unless said otherwise, 1 for this process.
    retry_failed
        Whether runs that failed before are tried again.
    report
        Whether the page is drawn at the end.

    Raises
    ------
    SpecError, DataError, ArchitectureError, StackingError, BackendError
        When the request is wrong.
    SweepDirectoryError, StoreError
        When the directory cannot be used; what is measured is kept.
    """
    started_at, clock = datetime.now(UTC), time.perf_counter()
    plan = plan_sweep(spec)
    console.plan(plan)
    with SweepDirectory(out, spec) as directory, Store(directory.store_path) as store:
        dataset = load_reference(spec.data, spec.metrics).dataset
        store.check_data(dataset.content_hash)
        store.add(_skipped(plan))
        here = [run for cohort in plan.cohorts for run in cohort.runs]
        todo = store.pending(here, retry_failed=retry_failed)
        console.started(total=len(here), done=len(here) - len(todo))
        for outcome in _run(todo, spec, workers):
            _keep(outcome, directory, store, console)
        if spec.metrics.throughput:
            _time(here, dataset, store, console)
        export(store, directory.path)
        if todo or not directory.environment.exists():
            seconds = time.perf_counter() - clock
            environment = collect_environment(
                command=command, started_at=started_at, wall_seconds=seconds
            )
            directory.write_environment(environment)
        statuses = Counter(store.statuses().values())
        if report:
            console.stage("drawing the report")
        result = SweepOutcome(
            directory=out,
            ok=statuses["ok"],
            failed=statuses["failed"],
            skipped=statuses["skipped"],
            report=reports.build(directory.path, only_if_changed=True) if report else None,
        )
    console.done(result)
    return result


def plan_sweep(spec: SweepSpec) -> Plan:
    """Lay out a sweep: its runs, its cohorts, and what this machine cannot run.

    Raises
    ------
    SpecError, DataError, ArchitectureError, StackingError, BackendError
        When the data, the networks or the kernel that are asked for cannot be had.
    """
    dataset = load_reference(spec.data, spec.metrics).dataset
    check_against_data(spec, len(dataset.train_images), len(dataset.test_images))
    runs = tuple(expand(spec, dataset.content_hash))
    for run in one_run_of_each(runs):
        build_model([run], dataset)
    absent = {device: _why_absent(device) for device in spec.sweep.device}
    skipped = {device: reason for device, reason in absent.items() if reason is not None}
    for device in absent.keys() - skipped.keys():
        resolve_backend(spec.training.kernel, torch.device(device))
    return Plan(spec, runs, tuple(group(r for r in runs if r.device not in skipped)), skipped)


def _why_absent(device: str) -> str | None:
    if device == "cuda" and not torch.cuda.is_available():
        return f"CUDA is not available to torch {torch.__version__} on this machine"
    return None


def _skipped(plan: Plan) -> list[RunRecord]:
    return [
        RunRecord(config=run, status="skipped", reason=plan.skipped[run.device])
        for run in plan.runs
        if run.device in plan.skipped
    ]


def _run(todo: Sequence[RunConfig], spec: SweepSpec, workers: int | None) -> Iterator[Outcome]:
    for device in dict.fromkeys(run.device for run in todo):
        cohorts = group(run for run in todo if run.device == device)
        executor = choose_executor(device, len(cohorts), workers)
        yield from executor.run(cohorts, CohortWork(spec.data, spec.metrics, executor.name))


def _keep(outcome: Outcome, directory: SweepDirectory, store: Store, console: Console) -> None:
    """Put a cohort on disk: artifacts first, so that a run that is recorded has its files."""
    results = outcome.results or _failed(outcome)
    for result in results:
        if result.weights is not None and result.pictures is not None:
            with directory.new_artifact(result.record.run_id) as folder:
                (folder / "model.safetensors").write_bytes(result.weights)
                np.savez_compressed(folder / "samples.npz", allow_pickle=False, **result.pictures)
    store.add(result.record for result in results)
    ok = sum(result.record.status == "ok" for result in results)
    console.cohort_finished(
        outcome.cohort, ok=ok, failed=len(results) - ok, seconds=outcome.seconds
    )


def _failed(outcome: Outcome) -> list[RunResult]:
    reason = f"{type(outcome.error).__name__}: {outcome.error}"
    return [
        RunResult(RunRecord(config=run, status="failed", reason=reason))
        for run in outcome.cohort.runs
    ]


def _time(runs: Sequence[RunConfig], dataset: Dataset, store: Store, console: Console) -> None:
    """Measure throughput where the store has none yet."""
    timed = {(r.device, r.latent_dim, r.objective) for r in store.throughput()}
    missing = [
        run
        for run in one_run_of_each(runs)
        if (run.device, run.latent_dim, run.objective) not in timed
    ]
    if missing:
        console.stage("timing training, encoding and decoding")
        store.add_throughput(measure_throughput(missing, dataset))
