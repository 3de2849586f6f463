"""The words a specification may use are those the engine implements, and mean the same.

Planning must not import torch, so it repeats names; here is what keeps the copies equal.
"""

import pytest
import torch

from bench import plan
from kernels import BackendError, resolve_backend
from vae_core import ARCHITECTURES, DATASETS, LIKELIHOODS, OBJECTIVES
from vae_core.engine import DTYPES, ENGINES
from vae_core.objectives import Objective


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (plan.DATASETS, DATASETS),
        (plan.ARCHITECTURES, ARCHITECTURES),
        (plan.LIKELIHOODS, LIKELIHOODS),
        (plan.OBJECTIVES, OBJECTIVES),
        (plan.ENGINES, ENGINES),
        (plan.DTYPES, DTYPES),
    ],
    ids=["datasets", "architectures", "likelihoods", "objectives", "engines", "dtypes"],
)
def test_the_names_are_the_same(words, table):
    assert list(words) == list(table)


def test_posteriors_are_the_same():
    planned = {name: Objective(facts.posterior) for name, facts in plan.OBJECTIVE_FACTS.items()}
    assert planned == OBJECTIVES


def test_deterministic_objectives_come_first_and_alone_ignore_the_kl_weight():
    stochastic = [OBJECTIVES[name].is_stochastic for name in plan.OBJECTIVES]
    assert stochastic == sorted(stochastic)
    for name, facts in plan.OBJECTIVE_FACTS.items():
        assert ("kl_weight" in facts.unused_axes) != OBJECTIVES[name].is_stochastic


def test_every_kernel_is_one_the_kernels_know():
    for name in plan.KERNELS:
        assert resolve_backend(name, torch.device("cuda")) in {"reference", "triton"}
    with pytest.raises(BackendError):
        resolve_backend("other", torch.device("cpu"))


@pytest.mark.parametrize("likelihood", plan.LIKELIHOODS)
@pytest.mark.parametrize("objective", plan.OBJECTIVES)
def test_the_effective_decoder_variance_is_the_same(objective, likelihood):
    spec = plan.SweepSpec.model_validate(
        {
            "name": "s",
            "model": {"likelihood": likelihood},
            "sweep": {"objective": [objective], "kl_weight": [0.3], "recon_weight": [4.0]},
        }
    )
    (run,) = plan.expand(spec, "hash")
    expected = None
    if OBJECTIVES[objective].is_stochastic:
        expected = LIKELIHOODS[likelihood].effective_decoder_variance(0.3, 4.0)
    assert run.effective_decoder_variance == expected
