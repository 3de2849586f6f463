"""The grid of a specification: one ``RunConfig`` for every combination that means something."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import product
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

from bench.plan.choices import OBJECTIVE_FACTS
from bench.plan.spec import MetricsSpec, SweepSpec

__all__ = ["SCHEMA_VERSION", "RunConfig", "expand"]

POINT = "point"
"""The posterior of an objective that draws nothing."""

SCHEMA_VERSION = 5
"""Raised when the same configuration would give other results or other columns: ids change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything a run is a function of.

    ``kl_weight`` and ``latent_samples`` are None where they mean nothing (an AE), and its
    ``posterior`` is a point. ``hidden`` is empty for a linear
    network. ``run_id`` is the first 16 hex digits of the SHA-256 of the canonical JSON of all
    fields and ``SCHEMA_VERSION``: equal on every machine, different if any field differs.
    """

    schema_version: ClassVar[int] = SCHEMA_VERSION

    dataset: str
    data_hash: str
    binarize: str = "none"
    architecture: str
    hidden: tuple[int, ...]
    likelihood: str
    objective: str
    latent_dim: int
    posterior: str
    kl_weight: float | None
    recon_weight: float
    latent_samples: int | None = 1
    device: str
    dtype: str = "float32"
    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    learning_rate_milestones: tuple[int, ...] = ()
    learning_rate_decay: float = 1.0
    adam_epsilon: float = 1e-8
    kl_schedule: str = "constant"
    kl_warmup: float = 0.5
    kl_cycles: int = 4
    free_nats: float = 0.0
    capacity_nats: float | None = None
    corruption: float = 0.25
    decoder_decay: float = 1e-6
    kernel: str
    engine: str = "auto"
    metrics: MetricsSpec
    run_id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.canonical_json().encode()).hexdigest()
        object.__setattr__(self, "run_id", digest[:16])

    def canonical_json(self) -> str:
        """All fields and the schema version, keys sorted, floats in their shortest exact form."""
        return f"{{{','.join(map(_member, _KEYS, _VALUES(self)))}}}"

    @property
    def structure(self) -> tuple[Any, ...]:
        """What runs must share to train stacked: all but objective, weights and seed.

        A point is a diagonal posterior whose variances are ignored, drawn once.
        """
        return (*_SHARED(self), self.covariance, self.latent_samples or 1)

    @property
    def covariance(self) -> str:
        """The form of covariance that its encoder gives."""
        return "diagonal" if self.posterior == POINT else self.posterior

    @property
    def effective_decoder_variance(self) -> float | None:
        """σ² = β/(2C) of the Gaussian decoder whose ELBO has the same optimum; None without one."""
        facts = OBJECTIVE_FACTS[self.objective]
        is_gaussian = facts.is_stochastic and self.likelihood == "gaussian"
        if self.kl_weight is None or not is_gaussian:
            return None
        is_elbo = facts.weighs_kl or self.kl_weight == 1
        return self.kl_weight / (2 * self.recon_weight) if is_elbo else None


Axis = TypeVar("Axis", str, int, float)

_HASHED = {f.name for f in fields(RunConfig) if f.init}
_KEYS = sorted({*_HASHED, "schema_version"})
_VALUES = attrgetter(*_KEYS)
_FREE = {"objective", "kl_weight", "recon_weight", "seed", "posterior", "latent_samples"}
_SHARED = attrgetter(*sorted(_HASHED - _FREE))
_REAL = {f.name for f in fields(RunConfig) if f.type in {float, float | None}}
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@lru_cache(maxsize=2**14, typed=True)
def _member(key: str, value: Any) -> str:
    """A key of the canonical JSON with its value. The runs of a grid share nearly all of them."""
    if key in _REAL and value is not None:
        value = float(value) + 0.0  # -0.0 is equal to 0.0, and so must be its text
    elif isinstance(value, MetricsSpec):
        value = value.model_dump(mode="json")
    return f'"{key}":{_ENCODE(value)}'


def expand(spec: SweepSpec, data_hash: str) -> list[RunConfig]:
    """The runs of a specification, in order of device, dtype, latent dimension, objective,
    posterior, draws, weights, seed.

    Parameters
    ----------
    spec
        A checked specification.
    data_hash
        Content hash of the images it will train and test on; part of every run's id.
    """
    model, training, axes = spec.model, spec.training, spec.sweep
    shared: dict[str, Any] = {
        "dataset": spec.data.name,
        "data_hash": data_hash,
        "binarize": spec.data.binarize,
        "architecture": model.architecture,
        "hidden": () if model.architecture == "linear" else model.hidden,
        "likelihood": model.likelihood,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
        "learning_rate_milestones": training.learning_rate_milestones,
        "learning_rate_decay": training.learning_rate_decay,
        "adam_epsilon": training.adam_epsilon,
        "kl_schedule": training.kl_schedule,
        "kl_warmup": training.kl_warmup,
        "kl_cycles": training.kl_cycles,
        "free_nats": training.free_nats,
        "capacity_nats": training.capacity_nats,
        "corruption": training.corruption,
        "decoder_decay": training.decoder_decay,
        "kernel": training.kernel,
        "engine": training.engine,
        "metrics": spec.metrics,
    }
    return [
        RunConfig(
            objective=objective,
            latent_dim=latent_dim,
            posterior=posterior or POINT,
            kl_weight=kl_weight,
            recon_weight=recon_weight,
            latent_samples=latent_samples,
            device=device,
            dtype=dtype,
            seed=seed,
            **shared,
        )
        for device, dtype, latent_dim, objective in product(
            axes.device, axes.dtype, axes.latent_dim, axes.objective
        )
        for posterior, latent_samples, kl_weight, recon_weight, seed in product(
            _used(objective, "posterior", axes.posterior),
            _used(objective, "latent_samples", axes.latent_samples),
            _used(objective, "kl_weight", axes.kl_weight),
            axes.recon_weight,
            axes.seed,
        )
    ]


def _used(objective: str, name: str, values: tuple[Axis, ...]) -> tuple[Axis | None, ...]:
    """The values of an axis, or the single None where the axis means nothing."""
    return (None,) if name in OBJECTIVE_FACTS[objective].unused_axes else values
