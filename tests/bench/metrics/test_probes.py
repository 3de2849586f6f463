import logging
import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.metrics import MetricError, few_label_probe, knn_probe, linear_probe, probes


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    codes = data.data @ np.random.default_rng(0).normal(size=(64, 8))
    return codes[:1437], data.target[:1437], codes[1437:], data.target[1437:]


def _pipeline_accuracy(classifier, train_z, train_y, test_z, test_y):
    pipeline = make_pipeline(StandardScaler(), classifier)
    return pipeline.fit(train_z, train_y).score(test_z, test_y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_probe_is_the_scikit_learn_pipeline(digits, dtype):
    train_z, train_y, test_z, test_y = digits
    split = train_z.astype(dtype), train_y, test_z.astype(dtype), test_y
    accuracy = linear_probe(*split)
    assert accuracy == _pipeline_accuracy(LogisticRegression(max_iter=1000), *split)
    assert 0.5 < accuracy < 0.99
    assert type(accuracy) is float


@pytest.mark.parametrize("k", [1, 5])
def test_knn_probe_is_the_scikit_learn_pipeline(digits, k):
    assert knn_probe(*digits, k=k) == _pipeline_accuracy(KNeighborsClassifier(k), *digits)
    assert knn_probe(*digits) == knn_probe(*digits, k=5)


@pytest.mark.parametrize("probe", [linear_probe, knn_probe])
def test_tensors_score_as_arrays_do(digits, probe):
    assert probe(*(torch.tensor(part) for part in digits)) == probe(*digits)


@pytest.mark.parametrize("probe", [linear_probe, knn_probe])
def test_scale_and_shift_of_a_code_do_not_matter(digits, probe):
    train_z, train_y, test_z, test_y = digits
    scale, shift = 10.0 ** np.arange(-4, 4), np.arange(8.0)
    moved = probe(train_z * scale + shift, train_y, test_z * scale + shift, test_y)
    assert moved == pytest.approx(probe(*digits), abs=0.003)


def test_constant_codes_score_the_commonest_training_class():
    train_y, test_y = [0, 0, 0, 1], [1, 0, 1, 1]
    assert linear_probe(np.ones((4, 2)), train_y, np.ones((4, 2)), test_y) == 0.25


def test_constant_codes_have_no_nearest_neighbours():
    with pytest.raises(MetricError, match="train_z holds 6 equal points; they have no neighbours"):
        knn_probe(np.ones((6, 2)), [0, 1] * 3, np.ones((1, 2)), [0])


def test_a_class_unseen_in_training_counts_as_missed():
    codes = np.array([[0.0], [0.1], [1.0], [1.1]])
    assert linear_probe(codes, ["a", "a", "b", "b"], codes, ["a", "a", "b", "c"]) == 0.75


def test_an_unconverged_fit_is_scored_logged_and_not_warned(digits, monkeypatch, caplog):
    monkeypatch.setattr(probes, "MAX_ITERATIONS", 2)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        accuracy = linear_probe(*digits)
    assert 0.1 < accuracy < 1.0
    assert "LogisticRegression on 1437 codes of 8 dimensions stopped unconverged" in caplog.text


def test_a_converged_fit_logs_nothing(digits, caplog):
    linear_probe(*digits)
    assert caplog.text == ""


@pytest.mark.parametrize("probe", [linear_probe, knn_probe])
@pytest.mark.parametrize(
    ("train_z", "train_y", "test_z", "test_y", "message"),
    [
        (np.eye(6), [1] * 6, np.eye(6), [1] * 6, r"train_y has one class only \(1\)"),
        (np.eye(6), [0, 1] * 2, np.eye(6), [0, 1] * 3, r"train_y has shape \(4,\)"),
        (np.eye(6), [0, 1] * 3, np.eye(5), [0, 1] * 3, "train_z has 6 columns and test_z has 5"),
        (np.full((6, 6), np.nan), [0, 1] * 3, np.eye(6), [0, 1] * 3, "train_z holds NaN"),
    ],
)
def test_bad_input_is_named(probe, train_z, train_y, test_z, test_y, message):
    with pytest.raises(MetricError, match=message):
        probe(train_z, train_y, test_z, test_y)


def test_fewer_training_points_than_neighbours_are_refused():
    with pytest.raises(MetricError, match="train_z has 4 points; at least k = 5 are needed"):
        knn_probe(np.eye(4), [0, 1, 0, 1], np.eye(4), [0, 1, 0, 1])
    with pytest.raises(MetricError, match="k is 0; at least 1 is needed"):
        knn_probe(np.eye(4), [0, 1, 0, 1], np.eye(4), [0, 1, 0, 1], k=0)


def test_with_every_label_the_few_label_probe_is_the_linear_probe(digits):
    assert few_label_probe(*digits, labels=1437, draws=1) == linear_probe(*digits)


def test_few_labels_are_balanced_fixed_and_averaged_over(digits):
    """Recomputed by scikit-learn on the rows that the probe chose."""
    train_z, train_y, test_z, test_y = digits
    scaler = StandardScaler().fit(train_z)
    expected = []
    for draw in range(3):
        rows = probes._balanced_rows(train_y, 25, np.random.default_rng(draw))
        assert len(set(rows.tolist())) == 25
        assert set(np.bincount(train_y[rows])) == {2, 3}
        classifier = LogisticRegression(max_iter=1000)
        classifier.fit(scaler.transform(train_z[rows]), train_y[rows])
        expected.append(classifier.score(scaler.transform(test_z), test_y))
    assert len(set(expected)) > 1
    assert few_label_probe(*digits, labels=25, draws=3) == pytest.approx(np.mean(expected))


def test_more_labels_help(digits):
    accuracies = [few_label_probe(*digits, labels=labels) for labels in (10, 100)]
    assert 0.1 < accuracies[0] < accuracies[1] < linear_probe(*digits)


def test_a_class_with_few_members_gives_all_it_has():
    labels = np.array([0] * 20 + [1] * 2)
    rows = probes._balanced_rows(labels, 8, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [6, 2]


@pytest.mark.parametrize("labels", [9, 1438])
def test_too_few_or_too_many_labels_are_refused(digits, labels):
    message = f"labels is {labels}; with 1437 training codes of 10 classes, 10 to 1437 are allowed"
    with pytest.raises(MetricError, match=message):
        few_label_probe(*digits, labels=labels)
