"""From answers to columns: which column has which value, and what is said of those without."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from bench.measure.latents import mixture_draws
from bench.measure.quality import measure
from bench.measure.reference import Reference
from bench.metrics import (
    frechet_distance,
    interpolation_evenness,
    kernel_distance,
    precision_recall_density_coverage,
    psnr_db,
    trustworthiness,
)
from bench.plan import MetricsSpec

OFF = MetricsSpec(
    probes=False, sample_quality=False, geometry=False, rate_decomposition=False,
    disentanglement=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def vae(trained, reference, subject_of):
    return subject_of(trained, 1, reference)


@pytest.fixture(scope="module")
def ae(trained, reference, subject_of):
    return subject_of(trained, 0, reference)


@pytest.fixture(scope="module")
def measured(vae, reference):
    return measure(vae, reference)


def with_metrics(reference, metrics):
    return Reference(reference.dataset, metrics)


def test_the_error_is_a_mean_over_pixels_and_images(measured, trained, small):
    x = small.pixels(small.test_images)
    with torch.no_grad():
        expected = torch.nn.functional.mse_loss(trained.member(1)(x), x).item()
    assert measured["test_mse"] == pytest.approx(expected, rel=1e-4)
    assert measured["test_psnr_db"] == pytest.approx(10 * math.log10(1 / expected), rel=1e-4)
    assert measured["test_mse_sampled"] > measured["test_mse"]


def test_the_elbo_is_what_distortion_and_rate_leave(measured, vae):
    mu, logvar = vae.answers.test_mu.astype(float), vae.answers.test_logvar.astype(float)
    rate = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(1).mean()
    assert measured["test_rate_nats"] == pytest.approx(rate, rel=1e-6)
    distortion = vae.answers.negative_log_likelihood.mean()
    assert measured["test_distortion_nats"] == pytest.approx(distortion, rel=1e-6)
    assert measured["test_elbo_nats"] == pytest.approx(-(distortion + rate), rel=1e-6)


def test_the_likelihood_is_an_importance_weighted_bound_with_its_number_of_samples(measured, vae):
    expected = vae.answers.log_likelihood.mean()
    assert measured["test_log_likelihood_nats"] == pytest.approx(expected, rel=1e-9)
    assert measured["importance_samples"] == 64


def test_active_units_are_dimensions_whose_means_vary(vae, reference):
    mu = np.zeros((40, 3), np.float32)
    mu[:, 0], mu[:, 1] = (
        np.linspace(-1, 1, 40),
        np.linspace(-0.1, 0.1, 40),
    )  # variances 0.35, 0.0035
    answers = replace(vae.answers, test_mu=mu)
    values = measure(replace(vae, answers=answers), with_metrics(reference, OFF))
    assert values["active_units"] == 1


def test_the_parts_of_the_rate_sum_to_it(measured):
    parts = ("mutual_information_nats", "total_correlation_nats", "dimensionwise_kl_nats")
    assert sum(measured[name] for name in parts) == pytest.approx(
        measured["test_rate_nats"], rel=0.1
    )
    assert measured["mutual_information_nats"] <= math.log(40)


def test_samples_are_compared_with_real_images_of_the_test_part(measured, vae, reference):
    real, codes = reference.test_pixels, vae.answers.train_mu
    samples = {
        "prior": vae.answers.prior_images,
        "gaussian": vae.decoded(mixture_draws(codes, 40, components=1, seed=0)),
        "gmm": vae.decoded(mixture_draws(codes, 40, components=10, seed=0)),
    }
    for prefix, images in samples.items():
        expected = precision_recall_density_coverage(real, images)
        expected["frechet"] = frechet_distance(real, images)
        expected["kernel_distance"] = kernel_distance(real, images)
        found = {name: measured[f"{prefix}_{name}"] for name in expected}
        assert found == pytest.approx(expected)
    assert (measured["sample_feature_space"], measured["sample_count"]) == ("pixels", 40)


def test_reconstructions_are_as_similar_as_scikit_image_says(measured, trained, small):
    x = small.pixels(small.test_images)
    with torch.no_grad():
        decoded = trained.member(1)(x)
    expected = [
        structural_similarity(a.numpy(), b.numpy(), data_range=1)
        for a, b in zip(x[:, 0], decoded[:, 0], strict=True)
    ]
    assert measured["test_ssim"] == pytest.approx(np.mean(expected), abs=1e-5)


def test_the_decoder_is_differentiated_at_test_codes(measured, trained, vae):
    decode, codes = trained.member(1).decode, torch.from_numpy(vae.answers.test_mu)
    jacobians = torch.cat(
        [torch.autograd.functional.jacobian(decode, z[None]).reshape(1, 64, 3) for z in codes]
    )
    norms = {
        "decoder_jacobian_norm": jacobians.norm(dim=(1, 2)),
        "decoder_jacobian_norm_scaled": (jacobians * codes.std(0, correction=0)).norm(dim=(1, 2)),
    }
    expected = {name: values.mean().item() for name, values in norms.items()}
    assert {name: measured[name] for name in expected} == pytest.approx(expected, rel=1e-4)


def test_geometry_is_that_of_codes_paths_and_midpoints(measured, vae, reference):
    codes = vae.answers.test_mu
    expected = trustworthiness(reference.test_pixels, codes, 5)
    assert measured["trustworthiness"] == pytest.approx(expected)
    assert measured["interpolation_evenness"] == pytest.approx(
        interpolation_evenness(vae.path_images)
    )
    inside = reference.manifold.contains(vae.path_images[:, 5])
    assert measured["interpolation_precision"] == pytest.approx(inside.mean())


def test_only_midpoints_of_paths_are_asked_whether_they_look_real(vae, reference):
    """Real images halfway on a quarter of the paths, and at no other place of any path."""
    paths = np.random.default_rng(0).uniform(5, 6, vae.path_images.shape).astype(np.float32)
    paths[:16, 5] = reference.test_pixels[:16]
    paths[16:, 4] = reference.test_pixels[0]
    values = measure(replace(vae, path_images=paths), reference)
    assert values["interpolation_precision"] == 0.25


RATES = {
    "test_rate_nats",
    "test_elbo_nats",
    "test_log_likelihood_nats",
    "importance_samples",
    "mutual_information_nats",
    "total_correlation_nats",
    "dimensionwise_kl_nats",
}


def test_what_needs_a_rate_is_not_measured_of_an_autoencoder(ae, measured, reference):
    values = measure(ae, reference)
    assert set(measured) - set(values) == RATES
    assert set(values) < set(measured)


@pytest.mark.parametrize(
    ("family", "columns"),
    [
        ("probes", ("probe_", "cluster_")),
        ("sample_quality", ("prior_", "gmm_", "gaussian_")),
        ("geometry", ("trustworthiness", "neighborhood_", "interpolation_", "decoder_jacobian")),
        ("rate_decomposition", ("mutual_information_nats", "total_", "dimensionwise_")),
    ],
)
def test_a_family_that_is_turned_off_is_not_measured(vae, measured, reference, family, columns):
    metrics = MetricsSpec.model_validate({family: False})
    values = measure(vae, with_metrics(reference, metrics))
    gone = set(measured) - set(values)
    assert gone == {name for name in measured if name.startswith(columns)}
    assert gone


def test_with_every_family_off_errors_and_rate_remain(vae, reference):
    values = measure(vae, with_metrics(reference, OFF))
    assert values["metric_notes"] is None
    assert {"test_mse", "test_ssim", "test_rate_nats", "active_units"} < set(values)
    assert not [
        name
        for name in values
        if name.startswith(("probe", "prior", "gmm", "trust", "sample_f", "decoder_jac"))
    ]


def test_constant_codes_keep_the_linear_probe_which_then_names_the_commonest_class(vae, reference):
    constant = replace(
        vae.answers,
        train_mu=np.zeros_like(vae.answers.train_mu),
        test_mu=np.zeros_like(vae.answers.test_mu),
    )
    values = measure(replace(vae, answers=constant), reference)
    assert 0 < values["probe_linear_accuracy"] < 0.3
    assert "probe_knn_accuracy" not in values
    assert "k-NN probe: " in values["metric_notes"]


def test_a_metric_without_a_value_is_left_out_with_its_reason(vae, reference):
    one_class = replace(
        reference.dataset, train_labels=torch.zeros_like(reference.dataset.train_labels)
    )
    values = measure(vae, Reference(one_class, MetricsSpec(disentanglement=False)))
    reason = "train_y has one class only (0); two are needed"
    families = ("linear probe", "k-NN probe", "10 labels", "100 labels")
    assert values["metric_notes"] == "; ".join(f"{family}: {reason}" for family in families)
    assert not [name for name in values if name.startswith("probe_")]
    assert "prior_precision" in values  # what comes after it is measured


def test_every_reason_is_told(vae, reference):
    answers = replace(vae.answers, prior_images=np.full_like(vae.answers.prior_images, np.nan))
    constant = replace(vae, path_images=np.zeros_like(vae.path_images), answers=answers)
    values = measure(constant, with_metrics(reference, MetricsSpec(disentanglement=False)))
    assert values["metric_notes"].startswith("interpolation: none of the 64 paths changes")
    assert "; prior samples: fake holds NaN" in values["metric_notes"]
    assert "gmm_precision" in values
    assert "trustworthiness" in values


def test_a_perfect_reconstruction_has_no_finite_psnr(vae, reference):
    perfect = replace(vae.answers, squared_error_at_mean=np.zeros(40, np.float32))
    values = measure(replace(vae, answers=perfect), with_metrics(reference, OFF))
    assert (values["test_mse"], values["test_psnr_db"]) == (0, psnr_db(0))
