"""What can be read off a member's codes: classes, clusters, numbers, factors and neighbourhoods.

Probes, clusters and regression stand beside the same scores of the controls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from bench.measure.controls import Codes, Score
from bench.measure.reference import Reference
from bench.measure.subject import Subject, Values
from bench.metrics import (
    cluster_agreement,
    dci,
    factor_vae_score,
    few_label_probe,
    knn_probe,
    linear_probe,
    modularity,
    mutual_information_gap,
    regression_r2_per_target,
    sap,
)

FEW_LABELS = (10, 100)
"""Labels in all, not a class."""


def linear_probes(subject: Subject, reference: Reference) -> Values:
    """Linear accuracy with every label."""
    return _probes("probe_linear_accuracy", linear_probe, subject, reference)


def neighbor_probes(subject: Subject, reference: Reference) -> Values:
    """Accuracy of the nearest neighbours with every label."""
    return _probes("probe_knn_accuracy", knn_probe, subject, reference)


def few_label_probes(subject: Subject, reference: Reference, *, labels: int) -> Values:
    """Linear accuracy with ``labels`` labels."""
    probe = partial(few_label_probe, labels=labels)
    return _probes(f"probe_linear_accuracy_{labels}_labels", probe, subject, reference)


def _probes(
    column: str, probe: Callable[..., float], subject: Subject, reference: Reference
) -> Values:
    train_labels, test_labels = reference.probe_labels

    def score(codes: Codes) -> dict[str, float]:
        return {column: probe(codes.train, train_labels, codes.test, test_labels)}

    return _beside_controls(column, score, subject, reference)


def clusters(subject: Subject, reference: Reference) -> Values:
    """Agreement of clusters of the test codes with their labels."""
    _, test_labels = reference.probe_labels

    def score(codes: Codes) -> dict[str, float]:
        agreement = cluster_agreement(codes.test, test_labels)
        return {f"cluster_{name}": value for name, value in agreement.items()}

    return _beside_controls("clusters", score, subject, reference)


def regression(subject: Subject, reference: Reference) -> Values:
    """R² of every continuous target that the data have, mean over its columns."""
    targets = reference.targets
    train, test = (
        np.concatenate([getattr(target, part) for target in targets.values()], axis=1)
        for part in ("train", "test")
    )
    ends = np.cumsum([target.train.shape[1] for target in targets.values()])

    def score(codes: Codes) -> dict[str, float]:
        r2 = np.split(regression_r2_per_target(codes.train, train, codes.test, test), ends[:-1])
        return {
            f"regression_r2_{name}": float(of_target.mean())
            for name, of_target in zip(targets, r2, strict=True)
        }

    return _beside_controls("regression", score, subject, reference)


def disentanglement(subject: Subject, reference: Reference) -> Values:
    """Scores that need two codes."""
    factors = reference.factors
    codes = subject.answers.train_mu[reference.fit_rows]
    importances = dci(codes[reference.dci_rows], reference.dci_factors)
    return {
        "mutual_information_gap": mutual_information_gap(codes, factors),
        "sap": sap(codes, factors),
        **{f"dci_{name}": value for name, value in importances.items()},
    }


def single_code_disentanglement(subject: Subject, reference: Reference) -> Values:
    """Scores that one code can have."""
    factors = reference.factors
    codes = subject.answers.train_mu[reference.fit_rows]
    return {
        "modularity": modularity(codes, factors),
        "factor_vae_score": factor_vae_score(codes, factors),
    }


def neighborhoods(subject: Subject, reference: Reference) -> Values:
    """Trustworthiness and neighbourhood continuity of test codes."""
    codes = subject.answers.test_mu[reference.rows]
    return {
        "trustworthiness": reference.neighborhoods.trustworthiness(codes),
        "neighborhood_continuity": reference.neighborhoods.continuity(codes),
    }


def _beside_controls(family: str, score: Score, subject: Subject, reference: Reference) -> Values:
    """Columns of a member's codes, and of the controls with the control's name at the end."""
    answers = subject.answers
    values: Values = dict(score(Codes(answers.train_mu[reference.fit_rows], answers.test_mu)))
    controls = reference.controls.scores(family, score, subject.structure, subject.member.seed)
    for control, scores in controls.items():
        values |= {f"{column}_{control}": value for column, value in scores.items()}
    return values
