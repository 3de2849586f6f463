"""Do codes fall into the classes by themselves? Agreement of k-means clusters with labels.

Knows codes and labels of one set of points.
"""

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from bench.metrics.arrays import MetricError, as_labels, as_matrix

STARTS = 5


def cluster_agreement(
    codes: npt.ArrayLike, labels: npt.ArrayLike, *, seed: int = 0
) -> dict[str, float]:
    """Return normalised mutual information and adjusted Rand index of k-means clusters and labels.

    scikit-learn's `KMeans` with as many clusters as classes, the best of five starts, on codes as
    they are: not invariant to the scale of single codes. Labels name the clusters' number and
    judge them, no more.

    Parameters
    ----------
    codes : [N, D], at least as many different points as classes. labels : [N].

    Returns
    -------
    dict with `nmi` in [0, 1] (arithmetic mean of the entropies) and `ari` in [−0.5, 1], 0 expected
    by chance.

    Raises
    ------
    MetricError
        If there is one class only, fewer different codes than classes, shapes do not match, or
        codes are not finite.

    References
    ----------
    Hubert & Arabie 1985, Comparing partitions, J. Classification 2 (adjusted Rand index).
    """
    points = as_matrix(codes, "codes")
    classes = as_labels(labels, "labels", len(points))
    count = len(np.unique(classes))
    if count < 2:
        raise MetricError(f"labels has one class only ({classes[0]}); two are needed")
    with warnings.catch_warnings():
        # It is said below, as an error.
        warnings.simplefilter("ignore", ConvergenceWarning)
        means = KMeans(count, n_init=STARTS, random_state=seed).fit(points)
    found = len(np.unique(means.labels_))
    if found < count:
        raise MetricError(f"codes has {found} different points; {count} clusters need as many")
    return {
        "nmi": float(normalized_mutual_info_score(classes, means.labels_)),
        "ari": float(adjusted_rand_score(classes, means.labels_)),
    }
