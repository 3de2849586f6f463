"""What regularising buys: samples that resemble data, and a latent space without jumps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reports import wording
from reports.figures.figure import Figure, Missing
from reports.figures.lookup import autoencoder, best, interval, regularised
from reports.figures.over_weight import draw_over_weight, reading_note, summarise_over_weight
from reports.metrics import METRICS
from reports.showcase import reference_dim

if TYPE_CHECKING:
    import pandas as pd

    from reports.metrics import Metric
    from reports.study import Study

PRIOR_TITLE = "Does a point drawn from N(0, I) decode to something real?"
MIXTURE_TITLE = "Does a mixture fitted to the codes make the AE a generator?"
CONTINUITY_TITLE = "Is the latent space continuous?"
LIKELIHOOD_TITLE = "Which KL weight models the data best?"
FAMILY = ("precision", "recall", "density", "coverage", "frechet")
CONTINUITY = (
    "interpolation_evenness",
    "interpolation_precision",
    "trustworthiness",
    "neighborhood_continuity",
)
LIKELIHOOD = ("test_elbo_nats", "test_log_likelihood_nats", "mutual_information_nats")


def prior_samples(study: Study) -> Figure | Missing:
    """Quality of decoded N(0, I) samples over KL weight, AE beside VAE."""
    return _sample_quality(study, "prior", PRIOR_TITLE, "prior-samples")


def mixture_samples(study: Study) -> Figure | Missing:
    """Quality of samples decoded from a Gaussian mixture fitted to the training codes."""
    return _sample_quality(study, "gmm", MIXTURE_TITLE, "mixture-samples")


def continuity(study: Study) -> Figure | Missing:
    """Interpolation and neighbourhood metrics over KL weight."""
    metrics = _measured(study, CONTINUITY)
    if not metrics:
        return Missing(CONTINUITY_TITLE, "interpolation and neighbourhoods were not measured")
    summary = summarise_over_weight(study, metrics)
    return _panels(
        study, summary, metrics, "continuity", CONTINUITY_TITLE, columns=2, headline=metrics[0]
    )


def likelihood(study: Study) -> Figure | Missing:
    """ELBO and its relatives over KL weight."""
    metrics = _measured(study, LIKELIHOOD)
    if not metrics:
        return Missing(LIKELIHOOD_TITLE, "no run has an ELBO")
    summary = summarise_over_weight(study, metrics)
    return _panels(
        study,
        summary,
        metrics,
        "likelihood",
        LIKELIHOOD_TITLE,
        columns=3,
        headline=metrics[0],
        about="With a decoder of fixed variance 1/(2C) the ELBO is the objective of KL weight 1. ",
    )


def _sample_quality(study: Study, prefix: str, title: str, slug: str) -> Figure | Missing:
    metrics = _measured(study, tuple(f"{prefix}_{name}" for name in FAMILY))
    if not metrics:
        return Missing(title, f"no run has the metrics {prefix}_precision … {prefix}_frechet")
    coverage = METRICS[f"{prefix}_coverage"]
    headline = coverage if coverage in metrics else metrics[0]
    summary = summarise_over_weight(study, metrics)
    return _panels(
        study,
        summary,
        metrics,
        slug,
        title,
        columns=3,
        headline=headline,
        about=_measured_in(study),
    )


def _panels(
    study: Study,
    summary: pd.DataFrame,
    metrics: list[Metric],
    slug: str,
    title: str,
    *,
    columns: int,
    headline: Metric,
    about: str = "",
) -> Figure:
    columns = min(columns, len(metrics))
    names = ", ".join(metric.label for metric in metrics)
    return Figure(
        slug=slug,
        title=title,
        finding=_finding(summary[summary["metric"] == headline.column], headline, study),
        note=f"{about}{reading_note(study, summary)}",
        alt=f"Line charts over KL weight, AE at the left, one line a latent dimension: {names}.",
        data=summary,
        draw=partial(draw_over_weight, summary=summary, metrics=metrics, columns=columns),
        wide=len(metrics) > 1,
    )


def _measured(study: Study, columns: tuple[str, ...]) -> list[Metric]:
    return [METRICS[column] for column in columns if study.runs[column].notna().any()]


def _finding(summary: pd.DataFrame, metric: Metric, study: Study) -> str:
    dim = float(reference_dim(study))
    if not (summary["latent_dim"] == dim).any():
        dim = float(summary["latent_dim"].max())
    rows, alone = regularised(summary, dim), autoencoder(summary, dim)
    parts = []
    if rows:
        top = best(rows, metric)
        parts.append(
            f"{interval(top)} for the {study.contender} with KL weight "
            f"{wording.weight(top['kl_weight'])}"
        )
    if alone:
        parts.append(f"{interval(alone[0])} for the AE")
    return f"At latent dimension {dim:g} {metric.label} is {' and '.join(parts)}."


def _measured_in(study: Study) -> str:
    spaces = sorted(space for space in study.runs["sample_feature_space"].unique() if space)
    counts = sorted(int(count) for count in study.runs["sample_count"].dropna().unique())
    if not spaces and not counts:
        return ""
    drawn = f"{', '.join(f'{count:,}' for count in counts)} samples" if counts else "Samples"
    space = f" compared with test data in the space of {', '.join(spaces)}" if spaces else ""
    return f"{drawn}{space}. "
