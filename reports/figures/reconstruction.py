"""Reconstruction error against latent dimension, for the AE and for each KL weight."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import draw_estimates, set_latent_axis, set_metric_axis
from reports.figures.figure import Figure, Missing
from reports.figures.lookup import autoencoder, best, interval, regularised
from reports.metrics import METRICS
from reports.showcase import reference_dim
from reports.study import AE, select_spread
from reports.style import AUTOENCODER, HALF_WIDTH_INCHES, MARKERS, weight_colours

if TYPE_CHECKING:
    from reports.study import Study
    from reports.style import Theme

TITLE = "How much reconstruction does regularising the latent space cost?"
METRIC = METRICS["test_mse"]
MOST_WEIGHTS = 7


def reconstruction(study: Study) -> Figure | Missing:
    """Test MSE over latent dimension."""
    summary = study.summary(METRIC)
    if summary.empty:
        return Missing(TITLE, "no run has a test MSE")
    weights = select_spread(study.kl_weights, MOST_WEIGHTS)
    shown = summary[(summary["family"] == AE) | summary["kl_weight"].isin(weights)]
    left_out = wording.not_drawn(len(study.kl_weights), len(weights), "KL weight")
    return Figure(
        slug="reconstruction",
        title=TITLE,
        finding=_finding(summary, reference_dim(study), study.contender),
        note=f"{wording.seeds(shown['n'])}{left_out}",
        alt="Line chart of test MSE over latent dimension, one line a KL weight and one the AE.",
        data=shown,
        draw=partial(_draw, summary=shown),
    )


def _finding(summary: pd.DataFrame, dim: int, contender: str) -> str:
    weighted, alone = regularised(summary, dim), autoencoder(summary, dim)
    parts = []
    if alone:
        parts.append(f"the AE has a test MSE of {interval(alone[0])}")
    if weighted:
        lowest, last = best(weighted, METRIC), weighted[-1]
        parts.append(
            f"the best {contender} (KL weight {wording.weight(lowest['kl_weight'])}) "
            f"{interval(lowest)}"
        )
        if last["kl_weight"] != lowest["kl_weight"]:
            times = wording.number(last["mean"] / lowest["mean"], 2)
            much = "about as much" if times == "1.0" else f"{times} times that"
            parts.append(f"and KL weight {wording.weight(last['kl_weight'])} has {much}")
    return f"At latent dimension {dim} {', '.join(parts)}."


def _draw(theme: Theme, summary: pd.DataFrame) -> Canvas:
    canvas = Canvas(figsize=(HALF_WIDTH_INCHES, 4.1), layout="constrained")
    ax = canvas.subplots()
    weighted = summary[summary["family"] != AE]
    weights = sorted(weighted["kl_weight"].unique().tolist())
    colours = weight_colours(len(weights))
    alone = summary[summary["family"] == AE]
    if len(alone):
        draw_estimates(
            ax,
            alone["latent_dim"].to_numpy(),
            alone,
            colour=AUTOENCODER,
            marker="*",
            label="AE",
            line="--",
        )
    for index, (kl_weight, colour) in enumerate(zip(weights, colours, strict=True)):
        series = weighted[weighted["kl_weight"] == kl_weight]
        draw_estimates(
            ax,
            series["latent_dim"].to_numpy(),
            series,
            colour=colour,
            marker=MARKERS[index % len(MARKERS)],
            label=wording.weight(kl_weight),
        )
    set_latent_axis(ax, sorted(summary["latent_dim"].unique().tolist()))
    set_metric_axis(ax, METRIC, summary["mean"])
    canvas.legend(title="KL weight", loc="outside lower center", ncols=4)
    return canvas
