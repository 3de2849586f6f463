"""Questions answered by several metrics over the KL weight, the AE beside them.

A question is an entry of data; all are drawn alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reports import wording
from reports.figures.figure import Figure, Missing
from reports.figures.lookup import autoencoder, best, interval, regularised
from reports.figures.over_weight import (
    draw_over_weight,
    reading_note,
    summarise_over_weight,
    with_rows,
)
from reports.metrics import METRICS
from reports.showcase import reference_dim, showcase
from reports.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from reports.metrics import Metric


@dataclass(frozen=True, slots=True)
class Question:
    """What several metrics answer together.

    Attributes
    ----------
    slug, title
        Name of the files, and the question.
    columns
        Metrics to draw where they were measured, the one that the finding states first.
    in_row
        Panels beside one another.
    at_shown_weight
        Whether the finding speaks of the KL weight whose pictures are shown, not of the best one:
        for metrics that a collapsed model satisfies by saying nothing.
    about
        What a reader must know of the numbers of this study; "" or sentences ending in a space.
    """

    slug: str
    title: str
    columns: tuple[str, ...]
    in_row: int
    at_shown_weight: bool = False
    about: Callable[[Study], str] = lambda _: ""


def answer(study: Study, question: Question) -> Figure | Missing:
    """Draw the metrics of a question that were measured."""
    measured = [METRICS[name] for name in question.columns if study.runs[name].notna().any()]
    if not measured:
        names = ", ".join(METRICS[name].label for name in question.columns)
        return Missing(question.title, f"not measured in any run: {names}")
    summary = summarise_over_weight(study, measured)
    metrics = with_rows(summary, measured)
    headline = summary[summary["metric"] == metrics[0].column]
    labels = ", ".join(metric.label for metric in metrics)
    return Figure(
        slug=question.slug,
        title=question.title,
        finding=_finding(headline, metrics[0], study, at_shown=question.at_shown_weight),
        note=f"{question.about(study)}{reading_note(study, summary)}",
        alt=f"Line charts over KL weight, AE at the left, one line a latent dimension: {labels}.",
        data=summary,
        draw=partial(
            draw_over_weight,
            summary=summary,
            metrics=metrics,
            columns=min(question.in_row, len(metrics)),
        ),
        wide=len(metrics) > 1,
    )


def _finding(summary: pd.DataFrame, metric: Metric, study: Study, *, at_shown: bool) -> str:
    dim = float(reference_dim(study))
    if not (summary["latent_dim"] == dim).any():
        dim = float(summary["latent_dim"].max())
    rows, alone = regularised(summary, dim), autoencoder(summary, dim)
    parts = []
    if rows:
        shown = showcase(study).get("vae", {}).get("kl_weight") if at_shown else None
        top = best([row for row in rows if row["kl_weight"] == shown] or rows, metric)
        parts.append(
            f"{interval(top)} for the {study.contender} with KL weight "
            f"{wording.weight(top['kl_weight'])}"
        )
    if alone:
        parts.append(f"{interval(alone[0])} for the AE")
    return f"At latent dimension {dim:g} {metric.label} is {' and '.join(parts)}."


def _samples(study: Study) -> str:
    """Say how many samples were compared, and in which feature space."""
    spaces = sorted(space for space in study.runs["sample_feature_space"].unique() if space)
    counts = sorted(int(count) for count in study.runs["sample_count"].dropna().unique())
    if not spaces and not counts:
        return ""
    drawn = f"{', '.join(f'{count:,}' for count in counts)} samples" if counts else "Samples"
    space = f" in the space of {', '.join(spaces)}" if spaces else ""
    return f"{drawn} compared with test data{space}. "


def _likelihood(study: Study) -> str:
    """Say what the ELBO's own KL weight is, and how tight the bound."""
    said = ""
    if set(study.vae["likelihood"]) == {"gaussian"}:
        said = "With a decoder of fixed variance 1/(2C) the ELBO is the objective of KL weight 1. "
    counts = sorted(int(count) for count in study.vae["importance_samples"].dropna().unique())
    if counts:
        said += (
            f"The log-likelihood is a lower bound from {', '.join(map(str, counts))} importance "
            "samples. "
        )
    return said


def _continuity(study: Study) -> str:
    """Say what the Jacobian is scaled by, where it was measured."""
    if study.runs["decoder_jacobian_norm_scaled"].isna().all():
        return ""
    return (
        "Scaled Jacobian norm: change of the image for a change of its code by one standard "
        "deviation; 0 for a decoder that ignores its code. "
    )


SAMPLE_METRICS = ("coverage", "precision", "recall", "density", "frechet", "kernel_distance")
prior_samples = partial(
    answer,
    question=Question(
        slug="prior-samples",
        title="Does a point drawn from N(0, I) decode to something real?",
        columns=tuple(f"prior_{name}" for name in SAMPLE_METRICS),
        in_row=3,
        about=_samples,
    ),
)
fitted_samples = partial(
    answer,
    question=Question(
        slug="fitted-samples",
        title="Does a density fitted to the codes make the AE a generator?",
        columns=(
            "gmm_coverage",
            "gmm_precision",
            "gmm_frechet",
            "gaussian_coverage",
            "gaussian_precision",
            "gaussian_frechet",
        ),
        in_row=3,
        about=_samples,
    ),
)
continuity = partial(
    answer,
    question=Question(
        slug="continuity",
        title="Is the latent space continuous?",
        columns=(
            "interpolation_evenness",
            "interpolation_precision",
            "trustworthiness",
            "neighborhood_continuity",
            "decoder_jacobian_norm_scaled",
        ),
        in_row=2,
        at_shown_weight=True,
        about=_continuity,
    ),
)
disentanglement = partial(
    answer,
    question=Question(
        slug="disentanglement",
        title="Does one latent dimension stand for one factor?",
        columns=(
            "mutual_information_gap",
            "dci_disentanglement",
            "dci_completeness",
            "dci_informativeness",
            "sap",
            "modularity",
            "factor_vae_score",
        ),
        in_row=3,
    ),
)
likelihood = partial(
    answer,
    question=Question(
        slug="likelihood",
        title="Which KL weight models the data best?",
        columns=("test_elbo_nats", "test_log_likelihood_nats"),
        in_row=2,
        about=_likelihood,
    ),
)
RATE_PARTS = (
    "Mutual information of code and image, which is at most ln N; dependence between dimensions; "
    "each dimension's distance from the prior. They sum to the rate. "
)
rate_parts = partial(
    answer,
    question=Question(
        slug="rate-parts",
        title="What is the rate made of?",
        columns=("mutual_information_nats", "total_correlation_nats", "dimensionwise_kl_nats"),
        in_row=3,
        at_shown_weight=True,
        about=lambda _: RATE_PARTS,
    ),
)
