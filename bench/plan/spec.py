"""The specification of a sweep: frozen models, checked once, trusted everywhere else.

Each field carries its constraint; the messages for a wrong value derive from it
(``bench.plan.diagnosis``). Nothing here reads a file or knows the data.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from bench.plan.choices import (
    ARCHITECTURES,
    BINARIZE,
    DATASETS,
    DEVICES,
    DTYPES,
    ENGINES,
    KERNELS,
    KL_SCHEDULES,
    LIKELIHOODS,
    OBJECTIVE_FACTS,
    OBJECTIVES,
    POSTERIORS,
    SAMPLE_FEATURES,
)
from bench.plan.constraints import (
    Choice,
    Factory,
    Flag,
    Folder,
    Name,
    Real,
    Whole,
    constrained,
    distinct,
    list_of_values,
    list_that_may_be_empty,
    refusal_of,
)
from bench.plan.errors import SpecError

__all__ = [
    "DataSpec",
    "MetricsSpec",
    "ModelSpec",
    "SweepAxes",
    "SweepSpec",
    "TrainingSpec",
    "check_against_data",
]

MAX_RUNS = 1_000_000

Count = Annotated[int, constrained(Whole(1))]
Width = Annotated[int, constrained(Whole(1, 65_536))]
Seed = Annotated[int, constrained(Whole(0))]
Weight = Annotated[float, constrained(Real())]
PositiveReal = Annotated[float, constrained(Real(positive=True))]
Switch = Annotated[bool, constrained(Flag())]
Objective = Annotated[str, constrained(Choice(OBJECTIVES))]
Device = Annotated[str, constrained(Choice(DEVICES))]
Posterior = Annotated[str, constrained(Choice(POSTERIORS))]
Dtype = Annotated[str, constrained(Choice(DTYPES))]

IsList = BeforeValidator(list_of_values)
MayBeEmpty = BeforeValidator(list_that_may_be_empty)
Distinct = AfterValidator(distinct)


class Section(BaseModel):
    """What every table of a specification shares: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSpec(Section):
    """``[data]``: which images, where they lie, and how many of them.

    ``train_size`` and ``test_size`` ask for fixed stratified subsets; None takes all there are.
    ``image_size`` is the side of the square that image files are brought to; None leaves them.
    ``binarize`` draws black and white images from grey ones, once or anew at each step.
    """

    name: Annotated[str, constrained(Choice(DATASETS))] = "digits"
    root: Annotated[Path, constrained(Folder())] | None = None
    image_size: Annotated[int, constrained(Whole(1, 4096))] | None = None
    train_size: Count | None = None
    test_size: Count | None = None
    binarize: Annotated[str, constrained(Choice(BINARIZE))] = "none"


class ModelSpec(Section):
    """``[model]``: the networks and the likelihood of an image given its code.

    ``hidden`` are the widths between image and code; a linear network has none and ignores it.
    """

    architecture: Annotated[str, constrained(Factory(ARCHITECTURES))] = "mlp"
    hidden: Annotated[tuple[Width, ...], IsList] = (128, 128)
    likelihood: Annotated[str, constrained(Choice(LIKELIHOODS))] = "gaussian"


class SweepAxes(Section):
    """``[sweep]``: the axes whose product is the grid; one left out has its default.

    ``latent_samples`` latents are drawn of each image in training (k of an IWAE). ``dtype`` is what
    the networks compute in while they train (autocast); weights, losses, metrics and everything
    else are float32.
    """

    objective: Annotated[tuple[Objective, ...], IsList, Distinct] = ("ae", "vae")
    latent_dim: Annotated[tuple[Width, ...], IsList, Distinct] = (16,)
    kl_weight: Annotated[tuple[Weight, ...], IsList, Distinct] = (1.0,)
    recon_weight: Annotated[tuple[PositiveReal, ...], IsList, Distinct] = (1.0,)
    posterior: Annotated[tuple[Posterior, ...], IsList, Distinct] = ("diagonal",)
    latent_samples: Annotated[tuple[Count, ...], IsList, Distinct] = (1,)
    device: Annotated[tuple[Device, ...], IsList, Distinct] = ("cpu",)
    dtype: Annotated[tuple[Dtype, ...], IsList, Distinct] = ("float32",)
    seed: Annotated[tuple[Seed, ...], IsList, Distinct] = (0,)


class TrainingSpec(Section):
    """``[training]``: one setting for every run of the sweep.

    The optimiser, whose learning rate is multiplied with ``learning_rate_decay`` after each epoch
    of ``learning_rate_milestones``; how the KL weight rises and what of the rate is free; the noise
    of denoising and the weight decay of regularised decoders; who draws latents and who computes
    gradients.
    """

    epochs: Annotated[int, constrained(Whole(1, 1_000_000))] = 100
    batch_size: Count = 128
    learning_rate: PositiveReal = 1e-3
    learning_rate_milestones: Annotated[tuple[Count, ...], MayBeEmpty, Distinct] = ()
    learning_rate_decay: Annotated[float, constrained(Real(positive=True, highest=1.0))] = 1.0
    adam_epsilon: PositiveReal = 1e-8
    kl_schedule: Annotated[str, constrained(Choice(KL_SCHEDULES))] = "constant"
    kl_warmup: Annotated[float, constrained(Real(positive=True, highest=1.0))] = 0.5
    kl_cycles: Count = 4
    free_nats: Weight = 0.0
    capacity_nats: PositiveReal | None = None
    corruption: PositiveReal = 0.25
    decoder_decay: Weight = 1e-6
    kernel: Annotated[str, constrained(Choice(KERNELS))] = "auto"
    engine: Annotated[str, constrained(Choice(ENGINES))] = "auto"


class MetricsSpec(Section):
    """``[metrics]``: which families are measured, and their sizes.

    ``neighbors`` is k of every nearest-neighbour metric; ``samples`` is the number of decoded
    prior samples, None for as many as there are test images; ``importance_samples`` is K of the
    bound on log p(x). ``sample_features`` is the space in which decoded samples and midpoints are
    compared with real images.
    """

    probes: Switch = True
    sample_quality: Switch = True
    geometry: Switch = True
    rate_decomposition: Switch = True
    disentanglement: Switch = True
    throughput: Switch = True
    neighbors: Annotated[int, constrained(Whole(1, 1000))] = 5
    samples: Count | None = None
    importance_samples: Count = 64
    sample_features: Annotated[str, constrained(Choice(SAMPLE_FEATURES))] = "pixels"

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        if self.samples is not None and self.samples <= self.neighbors:
            raise refusal_of(
                "samples", self.samples, f"a number above metrics.neighbors ({self.neighbors})"
            )
        return self


class SweepSpec(Section):
    """A whole sweep; everything but its name has a default."""

    name: Annotated[str, constrained(Name())]
    data: DataSpec = DataSpec()
    model: ModelSpec = ModelSpec()
    sweep: SweepAxes = SweepAxes()
    training: TrainingSpec = TrainingSpec()
    metrics: MetricsSpec = MetricsSpec()

    @model_validator(mode="after")
    def _defined_losses(self) -> Self:
        """Refuse combinations that no objective is defined for."""
        calibrated = self.model.likelihood == "gaussian-calibrated"
        if calibrated and "iwae" in self.sweep.objective:
            raise refusal_of(
                "model.likelihood",
                f'"{self.model.likelihood}"',
                "another likelihood (with iwae in sweep.objective: its bound weighs single images)",
            )
        if "full" in self.sweep.posterior:
            if "beta-tcvae" in self.sweep.objective:
                raise refusal_of(
                    "sweep.posterior", '"full"', '"diagonal" (with beta-tcvae in sweep.objective)'
                )
            if self.training.free_nats:
                raise refusal_of(
                    "training.free_nats",
                    self.training.free_nats,
                    "0 (free nats are counted by dimension, which a full posterior has none of)",
                )
        if self.training.engine == "captured" and "cpu" in self.sweep.device:
            raise refusal_of(
                "training.engine",
                '"captured"',
                '"auto", "eager" or "compiled" (with "cpu" in sweep.device: a step is captured on '
                "a GPU only)",
            )
        if self.training.free_nats and self.training.capacity_nats is not None:
            raise refusal_of(
                "training.capacity_nats",
                self.training.capacity_nats,
                "nothing (with training.free_nats above 0: both say what of the rate is paid)",
            )
        return self

    @model_validator(mode="after")
    def _payable_grid(self) -> Self:
        runs = self.run_count
        if runs > MAX_RUNS:
            raise refusal_of("sweep", f"a grid of {runs} runs", f"at most {MAX_RUNS}")
        return self

    @property
    def run_count(self) -> int:
        """Number of runs of the grid, over all devices."""
        lengths = {name: len(values) for name, values in self.sweep}
        total = 0
        for objective in self.sweep.objective:
            runs = 1
            for name, length in lengths.items():
                if name != "objective" and name not in OBJECTIVE_FACTS[objective].unused_axes:
                    runs *= length
            total += runs
        return total

    def as_table(self) -> dict[str, Any]:
        """The resolved specification in TOML's types; a key without a value (None) is left out."""
        return self.model_dump(mode="json", exclude_none=True)


def check_against_data(spec: SweepSpec, train_size: int, test_size: int | None = None) -> None:
    """Refuse what only the loaded data show to be impossible.

    Parameters
    ----------
    spec
        The specification that is about to run.
    train_size, test_size
        Number of training and test images; without ``test_size`` its rule is not checked.

    Raises
    ------
    SpecError
        If a batch is larger than the training set, or there are too few test images for the
        nearest-neighbour metrics.
    """
    batch_size = spec.training.batch_size
    if batch_size > train_size:
        raise SpecError(
            f"training.batch_size: {batch_size} is not allowed; at most {train_size} is, the "
            f"number of training images of {spec.data.name}"
        )
    neighbors = spec.metrics.neighbors
    if test_size is not None and neighbors >= test_size:
        raise SpecError(
            f"metrics.neighbors: {neighbors} is not allowed; at most {test_size - 1} is, one "
            f"less than the number of test images of {spec.data.name}"
        )
