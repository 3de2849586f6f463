"""The words a specification may use are those the engine implements, and mean the same.

Planning must not import torch, so it repeats names; here is what keeps the copies equal.
"""

import pytest
import torch

from bench import plan
from kernels import BackendError, resolve_backend
from vae_core import (
    ARCHITECTURES,
    DATASETS,
    LIKELIHOODS,
    OBJECTIVES,
    LossSettings,
    Member,
    StackedAutoencoders,
    Structure,
)
from vae_core.data.binarize import MODES
from vae_core.engine import DTYPES, ENGINES
from vae_core.posteriors import PARAMETERS
from vae_core.rate_control import SCHEDULES


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (plan.DATASETS, DATASETS),
        (plan.ARCHITECTURES, ARCHITECTURES),
        (plan.LIKELIHOODS, LIKELIHOODS),
        (plan.OBJECTIVES, OBJECTIVES),
        (plan.ENGINES, ENGINES),
        (plan.DTYPES, DTYPES),
        (plan.POSTERIORS, PARAMETERS),
        (plan.KL_SCHEDULES, SCHEDULES),
        (plan.BINARIZE, MODES),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_the_names_are_the_same(words, table):
    assert list(words) == list(table)


def test_the_same_objectives_draw_latents():
    planned = {name: facts.is_stochastic for name, facts in plan.OBJECTIVE_FACTS.items()}
    assert planned == {name: row.is_stochastic for name, row in OBJECTIVES.items()}


def test_deterministic_objectives_come_first_and_draw_from_no_posterior():
    stochastic = [OBJECTIVES[name].is_stochastic for name in plan.OBJECTIVES]
    assert stochastic == sorted(stochastic)
    for name, facts in plan.OBJECTIVE_FACTS.items():
        assert ("posterior" in facts.unused_axes) != OBJECTIVES[name].is_stochastic


@pytest.mark.parametrize("objective", plan.OBJECTIVES)
def test_an_axis_is_unused_exactly_where_it_changes_no_loss(objective):
    unused = plan.OBJECTIVE_FACTS[objective].unused_axes
    if objective == "beta-tcvae":  # defined for one draw only
        assert unused == {"latent_samples"}
        return
    structure = Structure("linear", (), (1, 4, 4), 2, "gaussian")
    x = torch.rand(1, 8, 1, 4, 4, generator=torch.Generator().manual_seed(0))

    def loss(kl_weight=0.5, **settings):
        model = StackedAutoencoders(structure, [Member(objective, 0, kl_weight, 1.0)])
        given = {"step": 0, "stream": 0, "backend": "reference"}
        return float(model.losses(x, **given, settings=LossSettings(**settings)).loss.detach())

    assert (loss(kl_weight=0.1) == loss()) == ("kl_weight" in unused)
    assert (loss(samples=3) == pytest.approx(loss(), rel=1e-6)) == ("latent_samples" in unused)


def test_every_kernel_is_one_the_kernels_know():
    for name in plan.KERNELS:
        assert resolve_backend(name, torch.device("cuda")) in {"reference", "triton"}
    with pytest.raises(BackendError):
        resolve_backend("other", torch.device("cpu"))


@pytest.mark.parametrize("likelihood", plan.LIKELIHOODS)
@pytest.mark.parametrize("objective", plan.OBJECTIVES)
def test_the_effective_decoder_variance_is_the_same(objective, likelihood):
    if (objective, likelihood) == ("iwae", "gaussian-calibrated"):
        pytest.skip("refused: the bound weighs single images")
    spec = plan.SweepSpec.model_validate(
        {
            "name": "s",
            "model": {"likelihood": likelihood},
            "sweep": {"objective": [objective], "kl_weight": [0.3], "recon_weight": [4.0]},
        }
    )
    (run,) = plan.expand(spec, "hash")
    expected = None
    if objective == "vae":  # the others' β does not weigh the KL
        expected = LIKELIHOODS[likelihood].effective_decoder_variance(0.3, 4.0)
    assert run.effective_decoder_variance == expected
