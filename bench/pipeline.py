"""The whole flow on one screen: specification, runs, cohorts, records, tables, report."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

import reports
from bench.console import Console, SweepOutcome
from bench.executors import (
    ExecutorRequest,
    Interrupt,
    Outcome,
    choose_executor,
    connected,
    measuring_processes,
    worker_count,
)
from bench.feasibility import check_data, check_memory, denied_memory_in_one_line
from bench.live import LivePage
from bench.measure.cohort import CohortWork
from bench.measure.configured import build_model
from bench.measure.members import RunResult
from bench.measure.memory import cohort_limits
from bench.measure.reference import load_reference
from bench.measure.throughput import measure_throughput, one_run_of_each
from bench.plan import Cohort, Plan, RunConfig, SweepSpec, check_against_data, expand, group
from bench.results import RunRecord, Store, SweepDirectory
from bench.results.exports import export
from bench.results.provenance import collect_environment
from bench.results.recovery import open_or_recover
from kernels import resolve_backend
from vae_core import Dataset

__all__ = ["plan_sweep", "run_sweep"]


SPREAD_FROM_STEPS = 20_000
"""Steps, over all runs, from which a cohort is cut so that every worker has one: it takes a worker
about 3 s to start."""
AUTOMATIC = ExecutorRequest()


def run_sweep(
    spec: SweepSpec,
    out: Path,
    *,
    console: Console,
    command: str,
    executors: ExecutorRequest = AUTOMATIC,
    retry_failed: bool = False,
    report: bool = True,
    live: bool = False,
    formats: Sequence[str] = (),
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
    executors
        Where cohorts run.
    retry_failed
        Whether runs that failed before are tried again.
    report
        Whether the page is drawn at the end.
    live
        Whether it is drawn in between as well, as cohorts finish.
    formats
        Vector formats, of ``reports.VECTOR_FORMATS``, drawn beside the page.

    Raises
    ------
    SpecError, DataError, ArchitectureError, StackingError, BackendError
        When the request is wrong.
    ExecutorError
        When the executor that is asked for cannot be had.
    SweepDirectoryError, StoreError
        When the directory cannot be used; what is measured is kept.
    KeyboardInterrupt
        After Ctrl-C. While cohorts train, the first lets those in flight finish.
    """
    started_at, clock = datetime.now(UTC), time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(connected(executors))
        plan = plan_sweep(spec, executors=executors)
        console.plan(plan)
        directory = stack.enter_context(SweepDirectory(out, spec))
        store = stack.enter_context(open_or_recover(directory.store_path, console.stage))
        dataset = load_reference(spec.data, spec.metrics).dataset
        store.check_data(dataset.content_hash)
        store.add(_skipped(plan, store.statuses()))
        here = [run for cohort in plan.cohorts for run in cohort.runs]
        todo = store.pending(here, retry_failed=retry_failed)
        computes = bool(todo) or not directory.environment.exists()
        # Before the first result: whatever ends this, what it leaves says where it comes from.
        environment = collect_environment(command=command, started_at=started_at, wall_seconds=None)
        if computes:
            directory.write_environment(environment)
        console.started(total=len(here), done=len(here) - len(todo))
        page = LivePage(store, out, total=len(plan.runs), formats=formats)
        with Interrupt() as interrupt:
            for outcome in _run(todo, plan, dataset, executors, interrupt):
                _keep(outcome, directory, store, console)
                if live and report:
                    page.refresh()
        if interrupt.requested:
            export(store, directory.path)
            raise KeyboardInterrupt
        if spec.metrics.throughput:
            _time(here, dataset, store, console)
        export(store, directory.path)
        if computes:
            seconds = round(time.perf_counter() - clock, 3)
            directory.write_environment({**environment, "wall_seconds": seconds})
        statuses = Counter(store.statuses().values())
        result = SweepOutcome(
            directory=out,
            ok=statuses["ok"],
            failed=statuses["failed"],
            skipped=statuses["skipped"],
            report=_draw(directory.path, formats, console) if report else None,
        )
    console.done(result)
    return result


def plan_sweep(spec: SweepSpec, *, executors: ExecutorRequest = AUTOMATIC) -> Plan:
    """Lay out a sweep: its runs, its cohorts, and what this machine cannot run.

    Parameters
    ----------
    spec
        A checked specification.
    executors
        Where cohorts run; how many at a time bounds what one may hold in memory.

    Raises
    ------
    SpecError, DataError, ArchitectureError, StackingError, BackendError
        When the data, the networks or the kernel that are asked for cannot be had.
    """
    check_data(spec.data)
    with denied_memory_in_one_line("data.train_size"):
        dataset = load_reference(spec.data, spec.metrics).dataset
    check_against_data(spec, len(dataset.train_images), len(dataset.test_images))
    runs = tuple(expand(spec, dataset.content_hash))
    one_of_each = {run.structure: run for run in runs}.values()
    check_memory(one_of_each, dataset)
    with denied_memory_in_one_line("model.hidden"):
        for run in one_of_each:
            build_model([run], dataset)
    absent = {device: _why_absent(device) for device in spec.sweep.device}
    skipped = {device: reason for device, reason in absent.items() if reason is not None}
    for device in absent.keys() - skipped.keys():
        resolve_backend(spec.training.kernel, torch.device(device))
    here = [run for run in runs if run.device not in skipped]
    with denied_memory_in_one_line("model.hidden"):
        limits = cohort_limits(here, dataset, workers=worker_count("cpu", executors))
    cohorts = tuple(_cohorts(here, limits, _steps(spec, dataset), executors))
    return Plan(spec, runs, cohorts, skipped, limits)


def _why_absent(device: str) -> str | None:
    if device == "cuda" and not torch.cuda.is_available():
        return f"CUDA is not available to torch {torch.__version__} on this machine"
    return None


def _skipped(plan: Plan, stored: Mapping[str, str]) -> list[RunRecord]:
    """Records of what this machine cannot run and what is not in the store yet."""
    return [
        RunRecord(config=run, status="skipped", reason=plan.skipped[run.device])
        for run in plan.runs
        if run.device in plan.skipped and run.run_id not in stored
    ]


def _cohorts(
    runs: Sequence[RunConfig],
    limits: Mapping[tuple[Any, ...], int],
    steps: int,
    executors: ExecutorRequest,
) -> Iterator[Cohort]:
    """Group the runs of each device so that they fit in memory and long ones occupy all workers."""
    for device in dict.fromkeys(run.device for run in runs):
        here = [run for run in runs if run.device == device]
        pays = len(here) * steps >= SPREAD_FROM_STEPS
        workers = worker_count(device, executors) if pays else 1
        yield from group(here, limits=limits, at_least=workers)


def _steps(spec: SweepSpec, dataset: Dataset) -> int:
    """Optimiser steps of one run."""
    return spec.training.epochs * (len(dataset.train_images) // spec.training.batch_size)


def _run(
    todo: Sequence[RunConfig],
    plan: Plan,
    dataset: Dataset,
    executors: ExecutorRequest,
    interrupt: Interrupt,
) -> Iterator[Outcome]:
    by_device: defaultdict[str, list[Cohort]] = defaultdict(list)
    for cohort in _cohorts(todo, plan.limits, _steps(plan.spec, dataset), executors):
        by_device[cohort.device].append(cohort)
    for device, cohorts in by_device.items():
        executor = choose_executor(device, len(cohorts), executors)
        processes = measuring_processes(device, executors)
        work = CohortWork(plan.spec.data, plan.spec.metrics, executor.name, processes)
        largest_first = sorted(cohorts, key=len, reverse=True)
        yield from executor.run(interrupt.until(largest_first), work)


def _keep(outcome: Outcome, directory: SweepDirectory, store: Store, console: Console) -> None:
    """Put a cohort on disk: artifacts first, so that a run that is recorded has its files."""
    results = outcome.results or _failed(outcome)
    for result in results:
        if result.weights is not None and result.pictures is not None:
            with directory.new_artifact(result.record.run_id) as folder:
                (folder / "model.safetensors").write_bytes(result.weights)
                # Not with allow_pickle: older versions of NumPy would store it as an array.
                np.savez_compressed(folder / "samples.npz", **result.pictures)  # type: ignore[arg-type]
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


def _draw(directory: Path, formats: Sequence[str], console: Console) -> Path:
    """The page, drawn unless it shows just this already."""
    if not reports.is_current(directory, formats):
        console.stage("drawing the report")
    return reports.build(directory, only_if_changed=True, formats=formats)


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
