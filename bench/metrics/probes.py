"""How much of the labels can be read off the codes? Classifiers trained on training codes.

Knows codes and labels. Which codes (posterior means, pixels, PCA, a random encoder) is the
caller's choice; the same function scores a model and its controls.
"""

import logging
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from bench.metrics.arrays import (
    Array,
    MetricError,
    as_labels,
    as_matrix,
    require_at_least,
    require_same_width,
)

_LOG = logging.getLogger(__name__)
MAX_ITERATIONS = 1000
FEW_LABEL_DRAWS = 5


def linear_probe(
    train_z: npt.ArrayLike, train_y: npt.ArrayLike, test_z: npt.ArrayLike, test_y: npt.ArrayLike
) -> float:
    """Return the test accuracy of multinomial logistic regression on standardised codes.

    scikit-learn's `LogisticRegression(max_iter=1000)`, otherwise at its defaults; the scaler is
    fitted on the training codes. Constant codes are no error: they score what always naming the
    commonest training class scores. A fit that stops at 1,000 iterations is scored as it stands,
    and logged as a warning.

    Parameters
    ----------
    train_z, test_z : [N, D] and [M, D] codes; float32 is fitted in float32.
    train_y, test_y : [N] and [M] labels; a class absent from `train_y` counts as missed.

    Raises
    ------
    MetricError
        If `train_y` has one class only, shapes do not match, or codes are not finite.
    """
    train, test = _standardized(train_z, train_y, test_z, test_y)
    classifier = LogisticRegression(max_iter=MAX_ITERATIONS)
    fit(classifier, *train)
    return float(classifier.score(*test))


def few_label_probe(
    train_z: npt.ArrayLike,
    train_y: npt.ArrayLike,
    test_z: npt.ArrayLike,
    test_y: npt.ArrayLike,
    labels: int,
    draws: int = FEW_LABEL_DRAWS,
) -> float:
    """Return the accuracy of `linear_probe` when only a few training codes have a label.

    Mean over `draws` fixed choices of `labels` training codes, as many of every class as of any
    other, give or take one. The scaler sees all training codes: they need no label. Arguments as
    `linear_probe`.

    Raises
    ------
    MetricError
        As `linear_probe`; also if there are fewer labels than classes, or fewer training codes
        than `labels`.
    """
    (codes, classes), test = _standardized(train_z, train_y, test_z, test_y)
    count = len(np.unique(classes))
    require_at_least(draws, "draws", 1)
    if not count <= labels <= len(codes):
        raise MetricError(
            f"labels is {labels}; with {len(codes)} training codes of {count} classes, {count} to "
            f"{len(codes)} are allowed"
        )
    accuracies = []
    for draw in range(draws):
        rows = _balanced_rows(classes, labels, np.random.default_rng(draw))
        classifier = LogisticRegression(max_iter=MAX_ITERATIONS)
        fit(classifier, codes[rows], classes[rows])
        accuracies.append(classifier.score(*test))
    return float(np.mean(accuracies))


def knn_probe(
    train_z: npt.ArrayLike,
    train_y: npt.ArrayLike,
    test_z: npt.ArrayLike,
    test_y: npt.ArrayLike,
    k: int = 5,
) -> float:
    """Return the test accuracy of the majority of the k nearest standardised training codes.

    scikit-learn's `KNeighborsClassifier(k)`, otherwise at its defaults: Euclidean, equal votes, a
    tie goes to the smallest label. Arguments as `linear_probe`.

    Raises
    ------
    MetricError
        As `linear_probe`; also if there are fewer than k training points, or all training codes
        are equal (they have no nearest neighbours).
    """
    train, test = _standardized(train_z, train_y, test_z, test_y)
    require_at_least(k, "k", 1)
    codes, labels = train
    if len(codes) < k:
        raise MetricError(f"train_z has {len(codes)} points; at least k = {k} are needed")
    if (codes == codes[0]).all():
        raise MetricError(f"train_z holds {len(codes)} equal points; they have no neighbours")
    return float(KNeighborsClassifier(n_neighbors=k).fit(codes, labels).score(*test))


def fit(classifier: Any, codes: Array, labels: Array) -> None:
    """Fit an iterative scikit-learn classifier; that it did not converge goes to the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(codes, labels)
    if np.max(classifier.n_iter_) >= classifier.max_iter:
        _LOG.warning(
            "%s on %d codes of %d dimensions stopped unconverged after %d iterations",
            type(classifier).__name__,
            *codes.shape,
            classifier.max_iter,
        )


def _balanced_rows(
    labels: Array, size: int, generator: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw `size` rows, from the classes in turn, until a class has no more."""
    shuffled = generator.permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.intp)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        turn[members] = np.arange(len(members))
    return shuffled[np.argsort(turn[shuffled], kind="stable")[:size]]


def _standardized(
    train_z: npt.ArrayLike, train_y: npt.ArrayLike, test_z: npt.ArrayLike, test_y: npt.ArrayLike
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return checked (codes, labels) for training and test, scaled by the training codes."""
    train, test = as_matrix(train_z, "train_z"), as_matrix(test_z, "test_z")
    require_same_width(train, "train_z", test, "test_z")
    train_labels = as_labels(train_y, "train_y", len(train))
    test_labels = as_labels(test_y, "test_y", len(test))
    if len(np.unique(train_labels)) < 2:
        raise MetricError(f"train_y has one class only ({train_labels[0]}); two are needed")
    scaler = StandardScaler().fit(train)
    return (scaler.transform(train), train_labels), (scaler.transform(test), test_labels)
