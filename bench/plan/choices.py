"""The words a specification may use, as data.

Each word is a key of a table elsewhere (``vae_core`` implements it); here stand only the words and
the few facts that decide the shape of a grid, so that planning needs no torch.
"""

from dataclasses import dataclass, field

__all__ = [
    "ARCHITECTURES",
    "BINARIZE",
    "DATASETS",
    "DEVICES",
    "DTYPES",
    "ENGINES",
    "KERNELS",
    "KL_SCHEDULES",
    "LIKELIHOODS",
    "OBJECTIVES",
    "OBJECTIVE_FACTS",
    "POSTERIORS",
    "SAMPLE_FEATURES",
    "ObjectiveFacts",
]


@dataclass(frozen=True, slots=True)
class ObjectiveFacts:
    """What planning must know of an objective.

    ``is_stochastic`` tells whether q(z|x) is more than a point; ``unused_axes`` are the sweep axes
    that mean nothing for the objective and so do not multiply its part of the grid; ``weighs_kl``
    tells whether its KL weight multiplies the KL, the whole of it and nothing else.
    """

    is_stochastic: bool
    unused_axes: frozenset[str] = field(default_factory=frozenset)
    weighs_kl: bool = False


_POINT = frozenset({"posterior", "latent_samples"})

OBJECTIVE_FACTS = {
    "ae": ObjectiveFacts(is_stochastic=False, unused_axes=_POINT | {"kl_weight"}),
    "denoising-ae": ObjectiveFacts(is_stochastic=False, unused_axes=_POINT | {"kl_weight"}),
    "rae-l2": ObjectiveFacts(is_stochastic=False, unused_axes=_POINT),
    "vae": ObjectiveFacts(is_stochastic=True, weighs_kl=True),
    "iwae": ObjectiveFacts(is_stochastic=True),
    "beta-tcvae": ObjectiveFacts(is_stochastic=True, unused_axes=frozenset({"latent_samples"})),
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
LIKELIHOODS = ("gaussian", "gaussian-calibrated", "bernoulli")
POSTERIORS = ("diagonal", "full")
KL_SCHEDULES = ("constant", "linear", "cyclical")
ARCHITECTURES = ("linear", "mlp", "mlp-tanh", "conv")
BINARIZE = ("none", "fixed", "dynamic")
DEVICES = ("cpu", "cuda")
DTYPES = ("float32", "bfloat16")
KERNELS = ("auto", "reference", "triton")
ENGINES = ("auto", "eager", "captured", "compiled")
SAMPLE_FEATURES = ("pixels", "classifier")
