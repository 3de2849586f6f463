"""One cohort from first step to records: train it stacked, ask it, measure each member.

This is the unit of work an executor hands out. It returns plain data (records, bytes, arrays) and
writes nothing, so it can run in another process or on another machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.configured import build_model, training_of
from bench.measure.forward import Answers, ask, decode_numpy
from bench.measure.latents import PATH_POINTS, straight_paths
from bench.measure.members import RunResult, TrainedMember, measure_members
from bench.measure.reference import Reference, load_reference
from bench.measure.subject import Values
from bench.plan import Cohort, DataSpec, MetricsSpec, RunConfig
from bench.results import Curves, RunRecord
from vae_core import (
    DataError,
    Dataset,
    History,
    StackedAutoencoders,
    Trainer,
    TrainingConfig,
)
from vae_core.checkpoints import to_bytes


@dataclass(frozen=True)
class CohortWork:
    """What every cohort of a sweep is put through; called with a cohort, it returns its results.

    ``executor`` is the name that the records carry; ``processes`` measure members side by side.
    """

    data: DataSpec
    metrics: MetricsSpec
    executor: str
    processes: int = 1

    def __call__(self, cohort: Cohort) -> list[RunResult]:
        reference = load_reference(self.data, self.metrics)
        expected = cohort.runs[0].data_hash
        if reference.dataset.content_hash != expected:
            raise DataError(
                f"data.name: {self.data.name} has content {reference.dataset.content_hash} here "
                f"and {expected} where the sweep was planned"
            )
        return self._measured(cohort, reference)

    def _measured(self, cohort: Cohort, reference: Reference) -> list[RunResult]:
        """Results of a cohort, or of its halves where the device has no memory for the whole."""
        try:
            entries = self._trained(cohort, reference)
        except torch.OutOfMemoryError:
            if len(cohort) == 1:
                raise
        else:
            members = [entry for entry in entries if isinstance(entry, TrainedMember)]
            results = measure_members(members, self.data, self.metrics, processes=self.processes)
            return [next(results) if isinstance(e, TrainedMember) else e for e in entries]
        torch.cuda.empty_cache()
        middle = len(cohort) // 2
        halves = Cohort(cohort.runs[:middle]), Cohort(cohort.runs[middle:])
        return [_halved(result) for half in halves for result in self._measured(half, reference)]

    def _trained(self, cohort: Cohort, reference: Reference) -> list[TrainedMember | RunResult]:
        """The cohort's members, or the results of those whose training came to nothing."""
        trained = train_cohort(cohort, reference.dataset)
        questioned = question(trained, reference)
        return [
            _entry(run, k, trained, questioned, self.executor) for k, run in enumerate(cohort.runs)
        ]


def _halved(result: RunResult) -> RunResult:
    """Say in a record that its cohort was cut."""
    notes = result.record.values.get("training_notes")
    said = "cohort halved: out of memory" + (f"; {notes}" if notes else "")
    record = replace(result.record, values={**result.record.values, "training_notes": said})
    return replace(result, record=record)


@dataclass(frozen=True)
class Trained:
    """A cohort after its last step; ``peak_memory_bytes`` is CUDA's allocator's, None on a CPU.

    ``engine`` is what computed its gradients; ``notes`` say what had to give way, if anything.
    """

    model: StackedAutoencoders
    dataset: Dataset
    config: TrainingConfig
    history: History
    seconds: float
    peak_memory_bytes: int | None
    engine: str
    notes: tuple[str, ...]


def train_cohort(cohort: Cohort, dataset: Dataset) -> Trained:
    """Train a cohort on its device."""
    device = torch.device(cohort.device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    on_device = dataset.to(device)
    model = build_model(cohort.runs, dataset).to(device)
    config = training_of(cohort.runs[0])
    trainer = Trainer(model, on_device, config)
    history = trainer.train()
    synchronize(device)
    return Trained(
        model=model,
        dataset=on_device,
        config=config,
        history=history,
        seconds=time.perf_counter() - started,
        peak_memory_bytes=(
            torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
        ),
        engine=trainer.engine.name,
        notes=(*model.stacking_notes, *filter(None, [trainer.engine.reason])),
    )


@dataclass(frozen=True)
class Questioned:
    """What the networks said, with what was decoded because of it; a slice a member.

    ``is_finite`` ``[K]`` tells whose answers are numbers; the others' decoded images mean nothing.
    """

    answers: Answers
    path_images: NDArray[np.float32]
    is_finite: NDArray[np.bool_]


def question(trained: Trained, reference: Reference) -> Questioned:
    """Ask the stacked networks all that the metrics need."""
    model = trained.model
    answers = ask(
        model,
        trained.dataset,
        prior_samples=reference.sample_count,
        importance_samples=reference.metrics.importance_samples,
        backend=trained.config.backend,
    )
    finite = answers.finite_members()
    # Zeros stand in for codes that are no numbers, so that one member does not stop the others.
    test_mu = np.where(finite[:, None, None], answers.test_mu, np.float32(0))
    paths = np.stack([straight_paths(codes, reference.pairs, PATH_POINTS) for codes in test_mu])
    path_images = decode_numpy(model, paths.reshape(len(paths), -1, paths.shape[-1]))
    return Questioned(
        answers=answers,
        path_images=path_images.reshape(*paths.shape[:3], -1),
        is_finite=finite,
    )


def _entry(
    run: RunConfig, k: int, trained: Trained, questioned: Questioned, executor: str
) -> TrainedMember | RunResult:
    model = trained.model
    is_stochastic = k >= model.deterministic
    steps = trained.config.steps(len(trained.dataset.train_images))
    values: Values = {
        "kernel_backend": _kernel(trained) if is_stochastic else None,
        "executor": executor,
        "cohort_size": len(model.members),
        "train_steps": steps,
        "train_seconds": trained.seconds,
        "peak_memory_bytes": trained.peak_memory_bytes,
        "engine": trained.engine,
        "stacking": model.stacking,
        "training_notes": "; ".join(trained.notes) or None,
    }
    curves = _curves(trained.history, k, is_stochastic=is_stochastic)
    bad_step = int(trained.history.first_bad_step[k])
    if bad_step >= 0 or not questioned.is_finite[k]:
        if bad_step >= 0:
            step, reason = bad_step, f"the loss was no longer finite at step {bad_step} of {steps}"
        else:
            step, reason = steps, f"after {steps} steps its codes or images are not finite"
        values["failed_step"] = step
        return RunResult(
            RunRecord(config=run, status="failed", reason=reason, values=values, curves=curves)
        )
    return TrainedMember(
        run=run,
        structure=model.structure,
        member=model.members[k],
        training=trained.config,
        weights=to_bytes(model.member(k), model.structure, run.objective),
        answers=questioned.answers.member(k),
        path_images=questioned.path_images[k],
        values=values,
        curves=curves,
    )


def _kernel(trained: Trained) -> str:
    """Who drew the latents: a full covariance has no fused kernel."""
    is_diagonal = trained.model.structure.posterior == "diagonal"
    return trained.config.backend if is_diagonal else "reference"


def _curves(history: History, k: int, *, is_stochastic: bool) -> Curves:
    return Curves(
        loss=tuple(history.loss[:, k].tolist()),
        squared_error=tuple(history.error[:, k].tolist()),
        rate_nats=tuple(history.rate[:, k].tolist()) if is_stochastic else None,
    )


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what was asked of it, so that a clock can be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
