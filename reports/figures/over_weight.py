"""Small multiples: metrics over the KL weight, one series a latent dimension, the AE at the left.

Several subjects ask the same kind of question; they share this drawing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import (
    WeightAxis,
    draw_estimates,
    legend_below,
    legend_columns,
    set_metric_axis,
)
from reports.statistics import SUMMARY
from reports.study import CONFIGURATION, select_spread
from reports.style import FULL_WIDTH_INCHES, HALF_WIDTH_INCHES, MARKERS, latent_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from reports.metrics import Metric
    from reports.study import Study
    from reports.style import Theme

MOST_SERIES = 7
DODGE = 0.09


def summarise_over_weight(study: Study, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Long frame: metric, family, latent_dim, kl_weight, SUMMARY; bounded series."""
    frames = [study.summary(metric).assign(metric=metric.column) for metric in metrics]
    summary = pd.concat(frames, ignore_index=True)
    shown = select_spread(sorted(summary["latent_dim"].unique().tolist()), MOST_SERIES)
    kept = summary[summary["latent_dim"].isin(shown)]
    return kept[["metric", *CONFIGURATION, *SUMMARY]]


def with_rows(frame: pd.DataFrame, metrics: Sequence[Metric]) -> list[Metric]:
    """Keep the metrics that a long frame has rows of: an empty panel has no axis."""
    present = set(frame["metric"])
    return [metric for metric in metrics if metric.column in present]


def reading_note(study: Study, summary: pd.DataFrame) -> str:
    """Say what the intervals are and how many series were left out."""
    left_out = wording.not_drawn(
        len(study.latent_dims), summary["latent_dim"].nunique(), "latent dimension"
    )
    return f"{wording.seeds(summary['n'])}{left_out}"


def draw_over_weight(
    theme: Theme, summary: pd.DataFrame, metrics: Sequence[Metric], columns: int = 1
) -> Canvas:
    """Draw one panel a metric; the legend stands in a panel that is free, or below all."""
    rows = math.ceil(len(metrics) / columns)
    width = HALF_WIDTH_INCHES if len(metrics) == 1 else FULL_WIDTH_INCHES
    height = 3.95 if rows == columns == 1 else 0.6 + 2.6 * rows
    canvas = Canvas(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(rows, columns, squeeze=False).flatten()
    dims = sorted(summary["latent_dim"].unique().tolist())
    for ax, metric in zip(panels, metrics, strict=False):
        draw_panel(ax, theme, summary[summary["metric"] == metric.column], metric, dims)
        if len(metrics) > 1:
            ax.set_title(f"{metric.label} ({metric.hint})" if metric.hint else metric.label)
            ax.set_ylabel(metric.unit)
    for ax in panels[len(metrics) + 1 :]:
        ax.remove()
    title = "latent dimension"
    if len(metrics) < len(panels):
        free = panels[len(metrics)]
        free.set_axis_off()
        free.legend(*panels[0].get_legend_handles_labels(), title=title, loc="center")
    else:
        legend_below(canvas, legend_columns(len(dims)), title)
    return canvas


def draw_panel(
    ax: Axes, theme: Theme, summary: pd.DataFrame, metric: Metric, dims: Sequence[float]
) -> None:
    """Draw one metric: points with a KL weight joined over it, those without one beside them.

    `dims` are the latent dimensions of all panels, so that colours agree between them.
    """
    has_weight = summary["kl_weight"].notna()
    weighted, unweighted = summary[has_weight], summary[~has_weight]
    axis = WeightAxis(
        tuple(sorted(weighted["kl_weight"].unique().tolist())), with_ae=not unweighted.empty
    )
    colours = latent_colours(len(dims))
    for index, (dim, colour) in enumerate(zip(dims, colours, strict=True)):
        style = {"colour": colour, "marker": MARKERS[index % len(MARKERS)]}
        dodge = axis.step * DODGE * (index - (len(dims) - 1) / 2)
        series = weighted[weighted["latent_dim"] == dim]
        alone = unweighted[unweighted["latent_dim"] == dim]
        positions = [axis.position(value) + dodge / 3 for value in series["kl_weight"]]
        draw_estimates(ax, positions, series, label=f"{dim:g}", **style)
        draw_estimates(ax, [axis.ae + dodge] * len(alone), alone, line="", **style)
    axis.decorate(ax, theme)
    set_metric_axis(ax, metric, summary["mean"])
