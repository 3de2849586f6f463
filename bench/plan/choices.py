"""The words a specification may use, as data.

Each word is a key of a table elsewhere (``vae_core`` implements it); here stand only the words and
the few facts that decide the shape of a grid, so that planning needs no torch.
"""

from dataclasses import dataclass, field

__all__ = [
    "ARCHITECTURES",
    "DATASETS",
    "DEVICES",
    "DTYPES",
    "ENGINES",
    "KERNELS",
    "LIKELIHOODS",
    "OBJECTIVES",
    "OBJECTIVE_FACTS",
    "ObjectiveFacts",
]


@dataclass(frozen=True, slots=True)
class ObjectiveFacts:
    """What planning must know of an objective.

    ``posterior`` names the form of q(z|x); ``unused_axes`` are the sweep axes that mean nothing
    for the objective and so do not multiply its part of the grid.
    """

    posterior: str
    unused_axes: frozenset[str] = field(default_factory=frozenset)


OBJECTIVE_FACTS = {
    "ae": ObjectiveFacts(posterior="point", unused_axes=frozenset({"kl_weight"})),
    "vae": ObjectiveFacts(posterior="diagonal"),
}

OBJECTIVES = tuple(OBJECTIVE_FACTS)
DATASETS = (
    "digits",
    "sprites",
    "patches",
    "linear-gaussian",
    "mnist",
    "fashion-mnist",
    "images",
    "npz",
    "hf",
)
LIKELIHOODS = ("gaussian", "bernoulli")
ARCHITECTURES = ("linear", "mlp", "conv")
DEVICES = ("cpu", "cuda")
DTYPES = ("float32", "bfloat16")
KERNELS = ("auto", "reference", "triton")
ENGINES = ("auto", "eager", "compiled")
