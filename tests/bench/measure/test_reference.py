"""What models are measured against: which images, labels and pairs, in which space."""

import numpy as np
import pytest

from bench.measure import reference as module
from bench.measure.reference import Reference
from bench.plan import MetricsSpec


def flat(images):
    return images.flatten(1).numpy() / np.float32(16)


def test_pixels_are_the_flattened_images(reference, small):
    np.testing.assert_allclose(reference.probe_pixels, flat(small.train_images))
    np.testing.assert_allclose(reference.test_pixels, flat(small.test_images))


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
    monkeypatch.setattr(module, "FIT_LIMIT", 60)
    reference = Reference(small, MetricsSpec())
    rows, labels = reference.fit_rows, small.train_labels.numpy()
    assert len(set(rows.tolist())) == 60
    expected = 60 * np.bincount(labels) / 128
    assert (np.abs(np.bincount(labels[rows]) - expected) < 1).all()
    np.testing.assert_array_equal(reference.probe_pixels, flat(small.train_images)[rows])
    np.testing.assert_array_equal(reference.probe_labels[0], labels[rows])


def test_paths_join_different_test_images_and_are_always_the_same(reference, small):
    pairs = reference.pairs
    assert pairs.shape == (64, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert pairs.min() >= 0
    assert pairs.max() < 40
    np.testing.assert_array_equal(Reference(small, MetricsSpec()).pairs, pairs)


def test_the_number_of_neighbours_is_that_of_the_specification(small):
    assert Reference(small, MetricsSpec(neighbors=3)).manifold.k == 3


def test_samples_are_compared_in_pixels_unless_the_specification_says_otherwise(small):
    reference = Reference(small, MetricsSpec())
    np.testing.assert_array_equal(reference.real_features, reference.test_pixels[reference.rows])
    learned = Reference(small, MetricsSpec(sample_features="classifier"))
    assert learned.manifold.points.shape == (40, 64)
    expected = learned.classifier(learned.test_pixels[learned.rows])
    np.testing.assert_array_equal(learned.real_features, expected)
