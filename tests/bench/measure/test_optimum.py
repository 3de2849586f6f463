"""The curve of the closed form: pPCA's likelihood where β is 1; none where none is known."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from bench.measure.optimum import linear_optimum
from bench.measure.reference import Reference
from bench.plan import MetricsSpec
from vae_core import (
    LossSettings,
    Member,
    RateControl,
    Structure,
    TrainingConfig,
    load_dataset,
)

PLAIN = TrainingConfig(1, 100, 1e-3, "reference")
STRUCTURE = Structure("linear", (), (1, 8, 8), 4, "gaussian")


@pytest.fixture(scope="module")
def linear():
    return Reference(load_dataset("linear-gaussian", train_size=500, test_size=50), MetricsSpec())


def test_weights_reach_from_a_full_code_to_collapse(linear):
    curve = linear_optimum(STRUCTURE, Member("vae", 0, 1.0, 0.5), PLAIN, linear)
    rate, distortion = curve["closed_form_rate_nats"], curve["closed_form_distortion_nats"]
    assert rate[-1] == pytest.approx(0, abs=1e-9)
    assert (np.diff(rate) <= 0).all()
    assert (np.diff(distortion) >= 0).all()


def test_at_the_noise_of_ppca_the_elbo_is_its_likelihood(linear):
    pixels = linear.dataset.train_images.flatten(1).double().numpy()
    fitted = PCA(STRUCTURE.latent_dim, svd_solver="full").fit(pixels)
    member = Member("vae", 0, 1.0, 1 / (2 * fitted.noise_variance_))
    curve = linear_optimum(STRUCTURE, member, PLAIN, linear)
    elbo = -curve["closed_form_rate_nats"] - curve["closed_form_distortion_nats"]
    at_one = np.interp(0.0, np.log(curve["closed_form_kl_weight"]), elbo)
    assert at_one == pytest.approx(fitted.score(pixels), rel=5e-3)


@pytest.mark.parametrize(
    ("structure", "member"),
    [
        (STRUCTURE, Member("ae", 0, None, 0.5)),
        (STRUCTURE, Member("iwae", 0, 1.0, 0.5)),
        (replace(STRUCTURE, likelihood="bernoulli"), Member("vae", 0, 1.0, 0.5)),
        (replace(STRUCTURE, architecture="mlp", hidden=(8,)), Member("vae", 0, 1.0, 0.5)),
    ],
)
def test_no_curve_where_the_optimum_is_not_known(linear, structure, member):
    assert linear_optimum(structure, member, PLAIN, linear) == {}


def test_no_curve_where_some_nats_cost_nothing(linear):
    free = replace(PLAIN, loss=LossSettings(rate=RateControl(free_nats=0.5)))
    assert linear_optimum(STRUCTURE, Member("vae", 0, 1.0, 0.5), free, linear) == {}
