"""What the throughput measurement times: one call of one phase of one stack of models.

Three studies share one shape: ``latent`` (every objective and phase against latent dimension),
``batch`` (against batch size), ``cohort`` (a training step against the number of stacked models).
Builds what is timed; holds no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from statistics import median_low
from typing import Literal

import torch
from torch import Tensor

from bench.measure.configured import build_model, training_of
from bench.plan import RunConfig
from kernels import BackendError, philox_normal, resolve_backend
from vae_core import Dataset, StackedAutoencoders, Trainer
from vae_core.engine import autocast, compile_whole
from vae_core.replay import Replayed
from vae_core.streams import PRIOR

Study = Literal["latent", "batch", "cohort"]
Phase = Literal["train", "encode", "decode", "sample"]
Engine = Literal["eager", "compiled", "fused"]

PHASES: tuple[Phase, ...] = ("train", "encode", "decode", "sample")
ENGINES: dict[Engine, tuple[str, str]] = {
    "eager": ("reference", "eager"),
    "compiled": ("reference", "compiled"),
    "fused": ("triton", "captured"),
}
"""What each engine is: who draws z and computes the KL (a backend of ``kernels``), and who runs the
networks around it (an engine of ``vae_core``); recorded on a GPU, but for ``eager``."""

BATCH_SIZES = (32, 128, 512)
COHORT_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to time: ``cohort_size`` models like ``run``, seeds counted from 0."""

    study: Study
    run: RunConfig
    engine: Engine
    phase: Phase
    cohort_size: int = 1

    @property
    def images_per_call(self) -> int:
        """Images that one call handles, over all models."""
        return self.cohort_size * self.run.batch_size


def cases(
    runs: Sequence[RunConfig],
    engines: Sequence[Engine],
    *,
    train_size: int,
    cohort_sizes: Sequence[int] = COHORT_SIZES,
    batch_sizes: Sequence[int] = BATCH_SIZES,
) -> list[list[Case]]:
    """Lay out the studies; the cases of one list are timed in turn.

    Parameters
    ----------
    runs
        One run of each device, latent dimension and objective.
    engines
        Each is an axis of every study; whether it can run on a device is found out later.
    train_size
        Training images; larger batches are left out.
    """
    groups: list[list[Case]] = []
    for device in dict.fromkeys(run.device for run in runs):
        here = [run for run in runs if run.device == device]
        middle = median_low({run.latent_dim for run in here})
        typical = [run for run in here if run.latent_dim == middle]
        sized = [
            replace(run, batch_size=size)
            for size in batch_sizes
            if size <= train_size
            for run in typical
        ]
        studies: tuple[tuple[Study, list[RunConfig]], ...] = (("latent", here), ("batch", sized))
        groups += [
            [
                Case(study=study, run=run, engine=engine, phase=phase)
                for run in chosen
                for engine in engines
                for phase in PHASES
            ]
            for study, chosen in studies
        ]
        groups.append(
            [
                Case(study="cohort", run=run, engine=engine, phase="train", cohort_size=size)
                for size in cohort_sizes
                for run in typical
                for engine in engines
            ]
        )
    return groups


def check_engines(names: Sequence[str]) -> list[Engine]:
    """Return the engines of these names, each once.

    Raises
    ------
    BackendError
        When one is unknown.
    """
    unknown = sorted(set(names) - set(ENGINES))
    if unknown:
        raise BackendError(f"engine: {unknown[0]!r} is unknown; {', '.join(ENGINES)} are allowed")
    return [engine for engine in ENGINES if engine in names]


def why_not(case: Case) -> str | None:
    """Why a case cannot be timed on this machine; None if it can."""
    device = torch.device(case.run.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        return f"CUDA is not available to torch {torch.__version__} on this machine"
    try:
        resolve_backend(ENGINES[case.engine][0], device)
    except BackendError as error:
        return str(error)
    return None


def build(case: Case, dataset: Dataset) -> Callable[[], object]:
    """Return the call to time; the data set is on the case's device."""
    backend, engine = ENGINES[case.engine]
    members = [replace(case.run, seed=seed, kernel=backend) for seed in range(case.cohort_size)]
    model = build_model(members, dataset).to(case.run.device)
    if case.phase == "train":
        config = replace(training_of(members[0]), engine=engine)
        trainer, steps = Trainer(model, dataset, config), count()
        return lambda: trainer.step(next(steps))
    model.use_kernels(backend == "triton")
    return _inference(model.eval(), case, dataset, engine)


def _inference(
    model: StackedAutoencoders, case: Case, dataset: Dataset, engine: str
) -> Callable[[], object]:
    device = model.seeds.device
    latents = (case.cohort_size, case.run.batch_size, case.run.latent_dim)
    step = torch.zeros((), dtype=torch.int64, device=device)

    def decode(z: Tensor) -> Tensor:
        return model.likelihood.mean(model.decoder(z))

    encode = model.encode
    if engine == "compiled":
        encode, decode = compile_whole(encode), compile_whole(decode)
    rows = torch.arange(case.run.batch_size, device=device) % len(dataset.train_images)
    images = dataset.pixels(dataset.train_images[rows]).expand(case.cohort_size, -1, -1, -1, -1)
    origin = torch.zeros(latents, device=device)

    calls: dict[Phase, Callable[[], object]] = {
        "encode": lambda: encode(images),
        "decode": lambda: decode(origin),
        "sample": lambda: decode(
            philox_normal(latents, model.seeds, step.add_(1), PRIOR, device=device)
        ),
    }
    answer = calls[case.phase]

    def call() -> object:
        with torch.inference_mode(), autocast(device, case.run.dtype):
            return answer()

    return Replayed(call) if device.type == "cuda" and engine != "eager" else call
