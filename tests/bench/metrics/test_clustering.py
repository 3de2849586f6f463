import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from bench.metrics import MetricError, cluster_agreement


def test_scores_are_those_of_scikit_learn():
    data = load_digits()
    codes, labels = data.data[:500, ::4], data.target[:500]
    clusters = KMeans(10, n_init=5, random_state=3).fit_predict(codes)
    found = cluster_agreement(codes, labels, seed=3)
    assert found == {
        "nmi": pytest.approx(normalized_mutual_info_score(labels, clusters)),
        "ari": pytest.approx(adjusted_rand_score(labels, clusters)),
    }
    assert found == cluster_agreement(torch.tensor(codes), torch.tensor(labels), seed=3)


def test_separate_classes_agree_wholly_whatever_they_are_called():
    codes, labels = make_blobs(90, 2, centers=3, cluster_std=0.1, random_state=0)
    names = np.array(["ape", "bee", "cat"])[labels]
    assert cluster_agreement(codes, names) == {"nmi": pytest.approx(1), "ari": pytest.approx(1)}


def test_noise_agrees_as_chance_does():
    generator = np.random.default_rng(0)
    codes, labels = generator.normal(size=(1000, 3)), generator.integers(4, size=1000)
    assert cluster_agreement(codes, labels) == pytest.approx({"nmi": 0, "ari": 0}, abs=0.02)


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (np.eye(4), [1] * 4, r"labels has one class only \(1\)"),
        (np.eye(4), [0, 1, 2], r"labels has shape \(3,\)"),
        (np.ones((4, 2)), [0, 1, 0, 1], "codes has 1 different points; 2 clusters need as many"),
        (np.full((4, 2), np.inf), [0, 1, 0, 1], "codes holds NaN or infinite"),
    ],
)
def test_bad_input_is_named(codes, labels, message):
    with pytest.raises(MetricError, match=message):
        cluster_agreement(codes, labels)
