"""What is read off codes, beside the same of the controls."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from bench.measure.quality import measure
from bench.measure.reference import Reference
from bench.metrics import cluster_agreement, few_label_probe, knn_probe, linear_probe
from bench.plan import MetricsSpec
from vae_core import Member, StackedAutoencoders, Structure, load_dataset
from vae_core.data.linear_gaussian import TRUTH

PROBES_ONLY = MetricsSpec(
    sample_quality=False, geometry=False, rate_decomposition=False, disentanglement=False
)


@pytest.fixture(scope="module")
def vae(trained, reference, subject_of):
    return subject_of(trained, 1, reference)


@pytest.fixture(scope="module")
def measured(vae, small):
    return measure(vae, Reference(small, PROBES_ONLY))


def scores_of(train_codes, test_codes, dataset):
    train_y, test_y = dataset.train_labels.numpy(), dataset.test_labels.numpy()
    given = train_codes, train_y, test_codes, test_y
    return {
        "probe_linear_accuracy": linear_probe(*given),
        "probe_knn_accuracy": knn_probe(*given),
        "probe_linear_accuracy_10_labels": few_label_probe(*given, labels=10),
        "probe_linear_accuracy_100_labels": few_label_probe(*given, labels=100),
        **{f"cluster_{n}": v for n, v in cluster_agreement(test_codes, test_y).items()},
    }


def test_every_score_is_of_training_and_test_codes(measured, vae, small):
    expected = scores_of(vae.answers.train_mu, vae.answers.test_mu, small)
    assert {name: measured[name] for name in expected} == expected


def test_the_pixel_control_of_every_score_is_the_score_of_pixels(measured, small):
    pixels = [small.pixels(x).flatten(1).numpy() for x in (small.train_images, small.test_images)]
    expected = scores_of(*pixels, small)
    assert {name: measured[f"{name}_pixels"] for name in expected} == expected


def test_every_score_has_every_control(measured):
    scored = [name for name in measured if name.startswith(("probe_", "cluster_"))]
    stems = {name for name in scored if not name.endswith(("_pixels", "_pca", "_encoder"))}
    assert len(stems) == 6
    controls = ("", "_pixels", "_pca", "_random_encoder")
    assert set(scored) == {f"{stem}{control}" for stem in stems for control in controls}


def test_codes_of_images_that_are_not_probed_are_not_looked_at(vae, small, monkeypatch):
    monkeypatch.setattr("bench.measure.reference.FIT_LIMIT", 110)
    reference = Reference(small, PROBES_ONLY)
    spoiled = vae.answers.train_mu.copy()
    spoiled[np.setdiff1d(np.arange(128), reference.fit_rows)] = 1e6
    answers = replace(vae.answers, train_mu=spoiled)
    assert measure(replace(vae, answers=answers), reference) == measure(vae, reference)


def test_labels_too_few_for_the_classes_leave_that_column_alone_out(vae, small, monkeypatch):
    monkeypatch.setattr("bench.measure.representation.FEW_LABELS", (9, 100))
    values = measure(vae, Reference(small, PROBES_ONLY))
    assert values["metric_notes"].startswith("9 labels: labels is 9; with 128 training codes of 10")
    assert "probe_linear_accuracy_9_labels" not in values
    assert "probe_linear_accuracy_100_labels" in values


def untrained(dataset, latent_dim):
    structure = Structure("linear", (), dataset.image_shape, latent_dim, "gaussian")
    return StackedAutoencoders(structure, [Member("vae", 0, 1.0, 1.0)])


def test_latents_of_a_linear_gaussian_model_are_read_off_as_well_as_the_theory_says(subject_of):
    """Of a latent with eigenvalue λ, a share (λ − σ²)/λ of its unit variance is in the image."""
    dataset = load_dataset("linear-gaussian", train_size=8000, test_size=4000)
    reference = Reference(dataset, PROBES_ONLY)
    values = measure(subject_of(untrained(dataset, 4), 0, reference), reference)
    shares = 1 - TRUTH.noise_scale**2 / TRUTH.eigenvalues[:4]
    assert values["regression_r2_latents_pixels"] == pytest.approx(shares.mean(), abs=0.01)
    assert values["regression_r2_latents_pca"] == pytest.approx(shares.mean(), abs=0.01)
    assert values["regression_r2_latents"] < values["regression_r2_latents_pca"]
    assert not [name for name in values if name.startswith("regression_r2_scale")]


def test_numbers_that_sprites_are_made_from_are_regressed_by_kind(subject_of):
    dataset = load_dataset("sprites", train_size=600, test_size=200)
    reference = Reference(dataset, PROBES_ONLY)
    subject = subject_of(untrained(dataset, 6), 0, reference)
    values = measure(subject, reference)
    train, test = subject.answers.train_mu, subject.answers.test_mu
    for name, columns in (("scale", [1]), ("position", [3, 4])):
        given = [part.numpy()[:, columns] for part in (dataset.factors.train, dataset.factors.test)]
        expected = LinearRegression().fit(train, given[0]).score(test, given[1])
        assert values[f"regression_r2_{name}"] == pytest.approx(expected, abs=0.01)
    assert values["regression_r2_position_pca"] > 0.8
    assert values["regression_r2_orientation_pca"] < 0.2
    assert "regression_r2_latents" not in values
