"""What is measured where factors are known, and what is said where labels or factors are not."""

import numpy as np
import pytest
import torch

from bench.measure import reference as module
from bench.measure.forward import ask
from bench.measure.pictures import draw_pictures
from bench.measure.quality import measure
from bench.measure.reference import DCI_VALUES, Reference
from bench.metrics import (
    MetricError,
    dci,
    factor_vae_score,
    modularity,
    mutual_information_gap,
    sap,
)
from bench.plan import MetricsSpec
from vae_core import Member, StackedAutoencoders, Structure, load_dataset

FACTORS_ONLY = MetricsSpec(
    probes=False, sample_quality=False, geometry=False, rate_decomposition=False
)
COLUMNS = {
    "mutual_information_gap", "sap", "modularity", "factor_vae_score",
    "dci_disentanglement", "dci_completeness", "dci_informativeness",
}  # fmt: skip


def untrained(dataset, latent_dim=2):
    structure = Structure("linear", (), dataset.image_shape, latent_dim, "gaussian")
    return StackedAutoencoders(structure, [Member("vae", 0, 1.0, 1.0)])


@pytest.fixture(scope="module")
def sprites():
    return load_dataset("sprites", train_size=300, test_size=20)


@pytest.fixture(scope="module")
def reference(sprites):
    return Reference(sprites, FACTORS_ONLY)


@pytest.fixture(scope="module")
def subject(sprites, subject_of, reference):
    return subject_of(untrained(sprites), 0, reference)


@pytest.fixture(scope="module")
def measured(subject, reference):
    return measure(subject, reference)


def test_every_metric_is_of_the_means_of_training_images(measured, subject, sprites):
    codes, factors = subject.answers.train_mu, sprites.factors.train.numpy()
    expected = {
        "mutual_information_gap": mutual_information_gap(codes, factors),
        "sap": sap(codes, factors),
        "modularity": modularity(codes, factors),
        "factor_vae_score": factor_vae_score(codes, factors),
    }
    assert {name: measured[name] for name in expected} == pytest.approx(expected)
    assert measured["metric_notes"] is None
    assert measured.keys() >= COLUMNS


def test_dci_sees_few_values_of_a_factor(measured, subject, sprites):
    factors = sprites.factors.train.numpy()
    few = factors * 3 // [3, 6, 40, 32, 32]
    assert np.bincount(few[:, 3]).tolist() == [
        np.isin(factors[:, 3], part).sum() for part in (range(11), range(11, 22), range(22, 32))
    ]
    expected = {f"dci_{name}": value for name, value in dci(subject.answers.train_mu, few).items()}
    assert {name: measured[name] for name in expected} == pytest.approx(expected)


def test_points_are_limited(sprites, monkeypatch):
    monkeypatch.setattr(module, "FIT_LIMIT", 200)
    monkeypatch.setattr(module, "DCI_LIMIT", 50)
    reference = Reference(sprites, FACTORS_ONLY)
    assert reference.factors.shape == (200, 5)
    np.testing.assert_array_equal(
        reference.factors, sprites.factors.train.numpy()[reference.fit_rows]
    )
    assert reference.dci_factors.shape == (50, 5)
    assert reference.dci_factors.max() < DCI_VALUES
    assert len(np.unique(reference.dci_rows)) == 50


def test_one_code_has_modularity_and_votes_alone(sprites, subject_of, reference):
    values = measure(subject_of(untrained(sprites, 1), 0, reference), reference)
    assert values.keys() & COLUMNS == {"modularity", "factor_vae_score"}
    assert values["metric_notes"].startswith("disentanglement: codes has 1 column")


def test_the_family_can_be_turned_off(subject, sprites):
    off = FACTORS_ONLY.model_copy(update={"disentanglement": False})
    values = measure(subject, Reference(sprites, off))
    assert not values.keys() & COLUMNS
    assert values["metric_notes"] is None


@pytest.fixture(scope="module")
def unlabelled():
    return load_dataset("linear-gaussian", train_size=120, test_size=64)


def test_without_labels_the_reason_is_told_and_the_rest_is_measured(unlabelled, subject_of):
    reference = Reference(unlabelled, MetricsSpec())
    values = measure(subject_of(untrained(unlabelled), 0, reference), reference)
    families = ("linear probe", "k-NN probe", "10 labels", "100 labels", "clusters")
    assert values["metric_notes"] == "; ".join(f"{f}: the data have no labels" for f in families)
    assert not any(name.startswith(("probe_", "cluster_")) for name in values)
    assert not values.keys() & COLUMNS
    assert {"test_mse", "trustworthiness", "prior_recall", "gmm_frechet"} <= values.keys()


def test_without_factors_there_are_none_to_ask_for(unlabelled):
    with pytest.raises(MetricError, match=r"^the data have no known factors$"):
        _ = Reference(unlabelled, MetricsSpec()).factors


def test_without_labels_choices_are_fixed_and_random(unlabelled, monkeypatch):
    monkeypatch.setattr(module, "FIT_LIMIT", 50)
    reference = Reference(unlabelled, MetricsSpec(samples=20))
    for rows, size, of in ((reference.rows, 20, 64), (reference.fit_rows, 50, 120)):
        assert len(np.unique(rows)) == size
        assert rows.max() >= of / 2
    with pytest.raises(MetricError, match=r"^the data have no labels$"):
        _ = reference.probe_labels


def test_pictures_of_unlabelled_data_say_so(unlabelled):
    model = untrained(unlabelled)
    answers = ask(model, unlabelled, prior_samples=64, backend="reference").member(0)
    pictures = draw_pictures(model.member(0), answers, Reference(unlabelled, MetricsSpec()))
    for name in ("original_labels", "interpolation_labels", "code_labels"):
        assert (pictures[name] == -1).all()
    assert pictures["interpolation_labels"].shape == (4, 2)
    assert pictures["originals"].shape == (16, 8, 8)


def test_float_images_reach_the_networks_as_they_are(unlabelled):
    reference = Reference(unlabelled, MetricsSpec())
    np.testing.assert_array_equal(reference.test_pixels, unlabelled.test_images.flatten(1).numpy())
    assert torch.equal(unlabelled.pixels(unlabelled.train_images), unlabelled.train_images)
