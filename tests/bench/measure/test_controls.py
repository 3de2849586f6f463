"""The controls, recomputed with scikit-learn and the initial networks alone."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from bench.measure import controls as module
from bench.measure.controls import Codes, Controls
from bench.measure.reference import Reference
from bench.plan import MetricsSpec
from vae_core import Structure
from vae_core.model import initial_networks


def flat(images):
    return images.flatten(1).numpy() / np.float32(16)


@pytest.fixture
def controls(small):
    return Reference(small, MetricsSpec()).controls


def structure_of(dataset, latent_dim=3):
    return Structure("mlp", (12,), dataset.image_shape, latent_dim, "gaussian")


def codes_of(controls, structure, seed=0):
    """The codes of every control, as a score is given them."""
    seen = []
    controls.scores("see", lambda codes: seen.append(codes) or {}, structure, seed)
    return dict(zip(("pixels", "pca", "random_encoder"), seen, strict=True))


def test_the_pixel_control_is_the_images(controls, small):
    codes = codes_of(controls, structure_of(small))["pixels"]
    np.testing.assert_allclose(codes.train, flat(small.train_images))
    np.testing.assert_allclose(codes.test, flat(small.test_images))


@pytest.mark.parametrize(("latent_dim", "components"), [(2, 2), (5, 5), (500, 64)])
def test_the_linear_control_is_principal_components_of_training_images(
    controls, small, latent_dim, components
):
    codes = codes_of(controls, structure_of(small, latent_dim))["pca"]
    pca = PCA(components).fit(flat(small.train_images))
    for found, images in zip(codes, (small.train_images, small.test_images), strict=True):
        np.testing.assert_allclose(found, pca.transform(flat(images)), atol=1e-5)


@pytest.mark.parametrize("block", [1000, 17])
def test_the_untrained_control_is_the_means_of_the_initial_encoder(
    controls, small, monkeypatch, block
):
    monkeypatch.setattr(module, "IMAGES_PER_BLOCK", block)
    codes = codes_of(controls, structure_of(small), seed=5)["random_encoder"]
    encoder, _ = initial_networks(structure_of(small), 5)
    for found, images in zip(codes, (small.train_images, small.test_images), strict=True):
        with torch.no_grad():
            expected = encoder(small.pixels(images))[:, :3].numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_an_untrained_encoder_is_asked_like_a_trained_one(controls, small, monkeypatch):
    """Batch normalisation uses the statistics it holds, not those of the images it is shown."""
    encoder = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(64), torch.nn.Linear(64, 4)
    )
    networks = (encoder, torch.nn.Linear(2, 64))
    monkeypatch.setattr(module, "initial_networks", lambda structure, seed: networks)
    codes_of(controls, Structure("mlp", (), small.image_shape, 2, "gaussian"))
    assert encoder[1].num_batches_tracked == 0


def test_only_the_probed_training_images_are_encoded(small):
    rows = np.array([3, 5, 8])
    images = flat(small.train_images)[rows]
    controls = Controls(small, rows, Codes(images, flat(small.test_images)))
    codes = codes_of(controls, structure_of(small, 2))
    assert {name: len(part.train) for name, part in codes.items()} == dict.fromkeys(codes, 3)
    np.testing.assert_allclose(codes["pca"].train, PCA(2).fit_transform(images), atol=1e-5)


def test_a_control_is_scored_once_for_each_way_of_scoring(controls, small):
    asked = []

    def score(codes):
        asked.append(codes.train.shape[1])
        return {"number": len(asked)}

    first = controls.scores("a", score, structure_of(small), 0)
    assert controls.scores("a", score, structure_of(small), 0) == first
    assert asked == [64, 3, 3]
    controls.scores("a", score, structure_of(small), 1)  # another encoder, the same components
    assert asked == [64, 3, 3, 3]
    controls.scores("a", score, structure_of(small, 2), 1)
    assert asked == [64, 3, 3, 3, 2, 2]
    controls.scores("b", score, structure_of(small), 0)
    assert asked[6:] == [64, 3, 3]


def test_codes_are_made_once_for_all_ways_of_scoring(controls, small, monkeypatch):
    controls.scores("a", lambda codes: {}, structure_of(small), 0)
    monkeypatch.setattr(module, "initial_networks", None)
    monkeypatch.setattr(module, "PCA", None)
    controls.scores("b", lambda codes: {}, structure_of(small), 0)
