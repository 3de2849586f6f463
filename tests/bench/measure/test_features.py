"""The features of a classifier: those of its last hidden layer, the same whenever asked."""

import numpy as np
import pytest

from bench.measure.features import ClassifierFeatures
from bench.measure.quality import measure
from bench.measure.reference import Reference
from bench.metrics import MetricError, precision_recall_density_coverage
from bench.plan import MetricsSpec

LEARNED = MetricsSpec(
    probes=False, rate_decomposition=False, disentanglement=False, sample_features="classifier"
)


@pytest.fixture(scope="module")
def learned(small):
    return Reference(small, LEARNED)


def test_features_are_what_the_classifier_decides_by(learned):
    """Its own output layer on them gives its own probabilities."""
    images, classifier = learned.test_pixels, learned.classifier._classifier
    scores = learned.classifier(images) @ classifier.coefs_[-1] + classifier.intercepts_[-1]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = classifier.predict_proba(images)
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), expected, atol=1e-5)


def test_it_has_learned_the_classes(learned, small):
    labels = small.test_labels.numpy()
    assert learned.classifier.accuracy(learned.test_pixels, labels) > 0.7


def test_the_same_images_give_the_same_features(learned, small):
    again = Reference(small, LEARNED)
    np.testing.assert_array_equal(again.real_features, learned.real_features)
    assert learned.real_features.dtype == np.float32


def test_samples_and_midpoints_are_compared_in_the_space_that_is_named(
    trained, learned, subject_of
):
    vae = subject_of(trained, 1, learned)
    values = measure(vae, learned)
    assert values["sample_feature_space"] == "classifier"
    assert values["sample_classifier_accuracy"] > 0.7
    expected = precision_recall_density_coverage(
        learned.classifier(learned.test_pixels), learned.classifier(vae.answers.prior_images)
    )
    assert {name: values[f"prior_{name}"] for name in expected} == pytest.approx(expected)
    inside = learned.manifold.contains(learned.classifier(vae.path_images[:, 5]))
    assert values["interpolation_precision"] == inside.mean()


def test_one_class_is_not_enough():
    with pytest.raises(MetricError, match=r"^the labels are of one class only \(3\)"):
        ClassifierFeatures(np.zeros((4, 2), np.float32), np.full(4, 3))
