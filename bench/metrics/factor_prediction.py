"""Can each known factor be predicted, and from how few codes? SAP, DCI and explicitness.

Knows codes [N, D] and factors [N, F]; not the data they come from. Constants and sample sizes are
those of disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler, label_binarize
from sklearn.svm import LinearSVC

from bench.metrics.arrays import Float64Array, MetricError
from bench.metrics.factors import IntArray, discrete_factors, numeric_factors
from bench.metrics.probes import MAX_ITERATIONS, fit

_TEST_FRACTION = 1 / 3  # the published 10,000 training and 5,000 test points
_CONSTANT_VARIANCE = 1e-12


def sap(codes: npt.ArrayLike, factors: npt.ArrayLike) -> float:
    """Return the mean over factors of the gap between the two largest r² with a single code.

    r² is the squared correlation of code and factor value, so factors may be continuous and their
    order matters. A code with variance up to 1e-12 scores 0. In [0, 1].

    Parameters
    ----------
    codes : [N, D], D >= 2. factors : [N, F] numbers.

    Raises
    ------
    MetricError
        If there is one code only, a factor is constant, rows do not match, or values are not
        finite.

    References
    ----------
    Kumar et al. 2018, arXiv:1711.00848, section 3.
    """
    z, y = numeric_factors(codes, factors, min_codes=2)
    z_centred, y_centred = z - z.mean(axis=0), y - y.mean(axis=0)
    z_squares, y_squares = (z_centred**2).sum(axis=0), (y_centred**2).sum(axis=0)
    varying = z_squares > _CONSTANT_VARIANCE * (len(z) - 1)
    r_squared = np.zeros((z.shape[1], y.shape[1]))
    covariance = z_centred[:, varying].T @ y_centred
    r_squared[varying] = covariance**2 / np.outer(z_squares[varying], y_squares)
    return _top_two_gap(r_squared)


def sap_classifier(codes: npt.ArrayLike, factors: npt.ArrayLike, *, seed: int = 0) -> float:
    """Return the gap of `sap` between test accuracies of a linear classifier on a single code.

    scikit-learn's `LinearSVC(C=0.01, class_weight="balanced")` on the code as it is: not invariant
    to its scale. For factors without an order. The accuracy is not balanced, as the paper's is.

    Parameters
    ----------
    codes : [N, D], D >= 2. factors : [N, F] discrete.

    Raises
    ------
    MetricError
        If there is one code only, a factor has one value, in all or in the training part, or never
        repeats one, rows do not match, or values are not finite.

    References
    ----------
    Kumar et al. 2018, arXiv:1711.00848, section 3.
    """
    z, y = discrete_factors(codes, factors, min_codes=2)
    parts = _split(z, y, seed)
    accuracy = np.empty((z.shape[1], y.shape[1]))
    for d in range(z.shape[1]):
        for f in range(y.shape[1]):
            classifier = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
            fit(classifier, parts.train_codes[:, [d]], parts.train_factors[:, f])
            accuracy[d, f] = classifier.score(parts.test_codes[:, [d]], parts.test_factors[:, f])
    return _top_two_gap(accuracy)


def dci(codes: npt.ArrayLike, factors: npt.ArrayLike, *, seed: int = 0) -> dict[str, float]:
    """Return disentanglement, completeness and informativeness from feature importances.

    scikit-learn's `GradientBoostingClassifier` at its defaults predicts each factor from all codes.
    Disentanglement: 1 − entropy of a code's importances over factors, base F, weighted by the
    code's share of importance. Completeness: the same over codes, base D, weighted by factor.
    Informativeness: test accuracy, mean over factors. All in [0, 1]. Constant codes have no
    importance and score 0 in both. Another `seed` moves the values by about 0.01. Cost grows with
    points, codes and factor values: one tree a value, a hundred times.

    Parameters
    ----------
    codes : [N, D], D >= 2. factors : [N, F] discrete, F >= 2.

    Returns
    -------
    dict with `disentanglement`, `completeness`, `informativeness`.

    Raises
    ------
    MetricError
        If there is one code or one factor only, a factor has one value, in all or in the training
        part, or never repeats one, rows do not match, or values are not finite.

    References
    ----------
    Eastwood & Williams 2018, openreview By-7dz-AZ, section 2, with lasso or random forests and an
    error for informativeness; boosting and accuracy are disentanglement_lib's.
    """
    z, y = discrete_factors(codes, factors, min_codes=2, min_factors=2)
    parts = _split(z, y, seed)
    importance = np.empty((z.shape[1], y.shape[1]))
    accuracy = np.empty(y.shape[1])
    for f in range(y.shape[1]):
        model = GradientBoostingClassifier(random_state=seed)
        model.fit(parts.train_codes, parts.train_factors[:, f])
        importance[:, f] = model.feature_importances_
        accuracy[f] = model.score(parts.test_codes, parts.test_factors[:, f])
    return {
        "disentanglement": _concentration(importance),
        "completeness": _concentration(importance.T),
        "informativeness": float(accuracy.mean()),
    }


def explicitness(codes: npt.ArrayLike, factors: npt.ArrayLike, *, seed: int = 0) -> float:
    """Return the test ROC-AUC of each factor's values, read off the codes linearly.

    Multinomial logistic regression on standardised codes, one value against the rest, mean over
    values, then over factors. 0.5 is chance. Constant codes score 0.5. The split is stratified
    and seeded.

    Parameters
    ----------
    codes : [N, D]. factors : [N, F] discrete, each value at least three times.

    Raises
    ------
    MetricError
        If a factor has one value only or a value occurs less than three times, rows do not match,
        or values are not finite.

    References
    ----------
    Ridgeway & Mozer 2018, arXiv:1802.05312, section 3, who fit one logistic regression a value.
    """
    z, y = discrete_factors(codes, factors)
    for index, column in enumerate(y.T):
        rarest = int(np.bincount(column).min())
        if rarest < 3:
            raise MetricError(
                f"a value of factor {index} occurs {rarest} times; 3 are needed to train and test"
            )
    return float(np.mean([_roc_auc(z, column, seed) for column in y.T]))


class _Split(NamedTuple):
    train_codes: Float64Array
    test_codes: Float64Array
    train_factors: IntArray
    test_factors: IntArray


def _split(codes: Float64Array, factors: IntArray, seed: int) -> _Split:
    parts = _Split(*train_test_split(codes, factors, test_size=_TEST_FRACTION, random_state=seed))
    for index, column in enumerate(parts.train_factors.T):
        if (column == column[0]).all():
            raise MetricError(f"factor {index} has one value only in the training part")
    return parts


def _top_two_gap(scores: Float64Array) -> float:
    """Return the mean over factors of the gap between the two best codes of scores [D, F]."""
    ordered = np.sort(scores, axis=0)
    return float((ordered[-1] - ordered[-2]).mean())


def _concentration(importance: Float64Array) -> float:
    """Return 1 − entropy of each row [R, C], base C, weighted by the row's share of the total."""
    weight = importance.sum(axis=1)
    used = weight > 0.0
    if not used.any():
        return 0.0
    spread = entropy(importance[used], axis=1, base=importance.shape[1])
    return float(np.average(1.0 - spread, weights=weight[used]))


def _roc_auc(codes: Float64Array, factor: IntArray, seed: int) -> float:
    train_codes, test_codes, train_factor, test_factor = train_test_split(
        codes, factor, test_size=_TEST_FRACTION, random_state=seed, stratify=factor
    )
    scaler = StandardScaler().fit(train_codes)
    classifier = LogisticRegression(max_iter=MAX_ITERATIONS)
    fit(classifier, scaler.transform(train_codes), train_factor)
    probability = classifier.predict_proba(scaler.transform(test_codes))
    is_value = label_binarize(test_factor, classes=classifier.classes_)
    if is_value.shape[1] == 1:  # two values share one column, and one area
        probability = probability[:, 1]
    return float(roc_auc_score(is_value, probability, average="macro"))
