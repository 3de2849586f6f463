"""What models are measured against, recomputed with scikit-learn alone."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.measure import reference as module
from bench.measure.reference import Reference
from bench.plan import MetricsSpec
from vae_core import Structure
from vae_core.cohort import initial_networks


def flat(images):
    return images.flatten(1).numpy() / np.float32(16)


def accuracies(train_codes, test_codes, dataset):
    """The two probes as the design defines them."""
    models = {
        "linear": LogisticRegression(max_iter=1000),
        "knn": KNeighborsClassifier(n_neighbors=5),
    }
    return {
        name: make_pipeline(StandardScaler(), model)
        .fit(train_codes, dataset.train_labels)
        .score(test_codes, dataset.test_labels)
        for name, model in models.items()
    }


def test_pixels_are_the_flattened_images(reference, small):
    np.testing.assert_allclose(reference.train_pixels, flat(small.train_images))
    np.testing.assert_allclose(reference.test_pixels, flat(small.test_images))


def test_the_pixel_control_is_a_probe_on_pixels(reference, small):
    expected = accuracies(flat(small.train_images), flat(small.test_images), small)
    assert reference.pixel_scores == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("latent_dim", [2, 5])
def test_the_linear_control_is_a_probe_on_principal_components(reference, small, latent_dim):
    pca = PCA(latent_dim).fit(flat(small.train_images))
    codes = [pca.transform(flat(images)) for images in (small.train_images, small.test_images)]
    expected = accuracies(*codes, small)
    assert reference.pca_scores(latent_dim) == pytest.approx(expected, abs=0.03)


def test_more_components_than_there_are_is_all_of_them(reference):
    assert reference.pca_scores(500) == reference.pca_scores(64)


@pytest.mark.parametrize("block", [1000, 17])
def test_the_untrained_control_is_a_probe_on_initial_codes(small, monkeypatch, block):
    monkeypatch.setattr(module, "IMAGES_PER_BLOCK", block)
    structure = Structure("mlp", (12,), small.image_shape, 3, "gaussian")
    encoder, _ = initial_networks(structure, 5)
    with torch.no_grad():
        codes = [
            encoder(small.pixels(images))[:, :3].numpy()
            for images in (small.train_images, small.test_images)
        ]
    scores = Reference(small, MetricsSpec()).random_encoder_scores(structure, 5)
    assert scores == pytest.approx(accuracies(*codes, small), abs=0.03)


def test_an_untrained_encoder_is_asked_like_a_trained_one(small, monkeypatch):
    """Batch normalisation uses the statistics it holds, not those of the images it is shown."""
    encoder = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(64), torch.nn.Linear(64, 4)
    )
    networks = (encoder, torch.nn.Linear(2, 64))
    monkeypatch.setattr(module, "initial_networks", lambda structure, seed: networks)
    structure = Structure("mlp", (), small.image_shape, 2, "gaussian")
    Reference(small, MetricsSpec()).random_encoder_scores(structure, 0)
    assert encoder[1].num_batches_tracked == 0


def test_controls_are_computed_once(small, monkeypatch):
    reference = Reference(small, MetricsSpec())
    structure = Structure("mlp", (12,), small.image_shape, 3, "gaussian")
    first = (reference.pca_scores(3), reference.random_encoder_scores(structure, 0))

    def refuse(*codes):
        raise AssertionError("probed again")

    monkeypatch.setattr(reference, "probes", refuse)
    assert (reference.pca_scores(3), reference.random_encoder_scores(structure, 0)) == first
    for ask in (
        lambda: reference.pca_scores(4),
        lambda: reference.random_encoder_scores(structure, 1),
    ):
        with pytest.raises(AssertionError, match="probed again"):
            ask()


@pytest.mark.parametrize(("asked", "count"), [(None, 40), (20, 20), (8, 8), (39, 39), (1000, 40)])
def test_as_many_real_images_are_compared_as_samples(small, asked, count):
    reference = Reference(small, MetricsSpec(samples=asked))
    assert reference.sample_count == count
    assert len(reference.rows) == len(set(reference.rows.tolist())) == count
    np.testing.assert_array_equal(reference.manifold.points, reference.test_pixels[reference.rows])


def test_real_images_are_a_stratified_choice(small):
    rows = Reference(small, MetricsSpec(samples=20)).rows
    labels = small.test_labels.numpy()
    expected = 20 * np.bincount(labels, minlength=10) / 40
    assert (np.abs(np.bincount(labels[rows], minlength=10) - expected) < 1).all()


def test_samples_have_a_limit_when_nobody_asks(small, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE_LIMIT", 30)
    assert Reference(small, MetricsSpec()).sample_count == 30


def test_probes_are_fitted_on_a_limited_stratified_choice(small, monkeypatch):
    monkeypatch.setattr(module, "PROBE_LIMIT", 60)
    reference = Reference(small, MetricsSpec())
    rows, labels = reference.probe_rows, small.train_labels.numpy()
    assert len(set(rows.tolist())) == 60
    expected = 60 * np.bincount(labels) / 128
    assert (np.abs(np.bincount(labels[rows]) - expected) < 1).all()
    # Codes on the other rows are not looked at.
    codes = flat(small.train_images)
    spoiled = codes.copy()
    spoiled[np.setdiff1d(np.arange(128), rows)] = 1e6
    test_codes = flat(small.test_images)
    assert reference.probes(spoiled, test_codes) == reference.probes(codes, test_codes)


def test_paths_join_different_test_images_and_are_always_the_same(reference, small):
    pairs = reference.pairs
    assert pairs.shape == (64, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert pairs.min() >= 0
    assert pairs.max() < 40
    np.testing.assert_array_equal(Reference(small, MetricsSpec()).pairs, pairs)


def test_the_number_of_neighbours_is_that_of_the_specification(small):
    assert Reference(small, MetricsSpec(neighbors=3)).manifold.k == 3
