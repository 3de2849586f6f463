"""The numbers that images were made from, recovered and checked against the images themselves."""

import numpy as np
import pytest

from bench.measure.targets import regression_targets
from vae_core import load_dataset
from vae_core.data.linear_gaussian import TRUTH


def test_latents_leave_only_the_noise_of_the_images_unexplained():
    dataset = load_dataset("linear-gaussian", train_size=3000, test_size=1000)
    latents = regression_targets(dataset)["latents"]
    for z, images in ((latents.train, dataset.train_images), (latents.test, dataset.test_images)):
        assert np.cov(z.T) == pytest.approx(np.eye(4), abs=0.12)
        noise = images.flatten(1).numpy() - TRUTH.bias - z @ TRUTH.weights.T
        assert noise.std() == pytest.approx(TRUTH.noise_scale, rel=0.01)
        assert abs(noise.T @ z / len(z)).max() < 0.15


def test_the_centre_of_a_sprite_is_at_its_position():
    dataset = load_dataset("sprites", train_size=50, test_size=30)
    images = dataset.test_images[:, 0].double().numpy()
    mass = images.sum(axis=(1, 2))
    across = (images.sum(axis=1) * np.arange(64)).sum(axis=1) / mass
    down = (images.sum(axis=2) * np.arange(64)).sum(axis=1) / mass
    targets = regression_targets(dataset)
    offset = np.column_stack([across, down]) - targets["position"].test
    assert np.ptp(offset, axis=0).max() < 4  # a heart's centre is not its middle
    assert np.corrcoef(mass, targets["scale"].test[:, 0])[0, 1] > 0.7


def test_an_orientation_is_a_point_on_the_circle():
    dataset = load_dataset("sprites", train_size=50, test_size=30)
    orientation = regression_targets(dataset)["orientation"]
    assert np.hypot(*orientation.train.T) == pytest.approx(1)
    steps = np.arctan2(*orientation.train.T[::-1]) % (2 * np.pi) / (2 * np.pi) * 40
    np.testing.assert_allclose(steps % 40, dataset.factors.train[:, 2], atol=1e-9)


def test_data_whose_numbers_are_not_known_have_no_targets():
    assert regression_targets(load_dataset("digits", train_size=20, test_size=10)) == {}
