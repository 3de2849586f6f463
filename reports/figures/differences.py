"""Paired differences between VAE and AE, and which axis explains each metric."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import WeightAxis, draw_estimates, legend_below
from reports.figures.figure import Figure, Missing
from reports.figures.over_weight import MOST_SERIES, with_rows
from reports.metrics import METRICS
from reports.statistics import CONFIDENCE, explained_variance, summarise
from reports.study import records, select_spread
from reports.style import FULL_WIDTH_INCHES, HALF_WIDTH_INCHES, HEAT_MAP, MARKERS, latent_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from reports.metrics import Metric
    from reports.study import Study
    from reports.style import Theme

PAIRED_TITLE = "By how much does a VAE differ from the AE of its seed and size?"
SENSITIVITY_TITLE = "Which axis of the sweep decides each metric?"
PAIRED = ("test_mse", "probe_linear_accuracy", "prior_coverage")
SENSITIVE = (
    "test_mse",
    "test_rate_nats",
    "active_units",
    "probe_linear_accuracy",
    "probe_knn_accuracy",
    "prior_precision",
    "prior_coverage",
    "prior_frechet",
)
AXES = {"latent_dim": "latent\ndimension", "kl_weight": "KL weight", "seed": "seed"}


def paired_differences(study: Study) -> Figure | Missing:
    """VAE − AE, paired by seed and latent dimension, over KL weight."""
    metrics = [METRICS[column] for column in PAIRED]
    summary = _paired(study, metrics)
    if summary.empty:
        return Missing(PAIRED_TITLE, "no VAE has an AE of the same seed and latent dimension")
    left_out = wording.not_drawn(
        len(study.latent_dims), summary["latent_dim"].nunique(), "latent dimension"
    )
    return Figure(
        slug="paired-differences",
        title=PAIRED_TITLE,
        finding=_paired_finding(summary, metrics, study.contender),
        note=f"{wording.seeds(summary['n'])} Where an interval crosses the zero line, neither is "
        "shown to be better. Each interval stands alone: of many that should cross the line, about "
        f"{wording.percent(1 - CONFIDENCE)} do not.{left_out}",
        alt="Line charts of VAE minus AE over KL weight, one line a latent dimension.",
        data=summary,
        draw=partial(_draw_paired, summary=summary, metrics=metrics, contender=study.contender),
        wide=True,
    )


def sensitivity(study: Study) -> Figure | Missing:
    """Share of variance between the levels of each axis, among VAE runs."""
    axes = [axis for axis in AXES if len(set(study.vae[axis])) > 1]
    if len(axes) < 2:
        return Missing(SENSITIVITY_TITLE, "fewer than two axes have several levels")
    rows = [
        {"metric": METRICS[column].label, "axis": axis, "share": share}
        for column in SENSITIVE
        for axis in axes
        if pd.notna(share := explained_variance(study.vae, axis, column))
    ]
    if not rows:
        return Missing(SENSITIVITY_TITLE, "no metric varies over the sweep")
    data = pd.DataFrame(rows)
    return Figure(
        slug="sensitivity",
        title=SENSITIVITY_TITLE,
        finding=_sensitivity_finding(data),
        note="Share η² of a metric's variance over the VAE runs that lies between the levels of "
        "one axis; in a full grid what is left is interaction and noise. An axis that decides "
        f"nothing gets about (levels − 1)/(runs − 1): {_chance(study.vae, axes)}.",
        alt="Heat map of explained variance: rows metrics, columns axes of the sweep.",
        data=data,
        draw=partial(_draw_sensitivity, data=data),
    )


def _paired(study: Study, metrics: list[Metric]) -> pd.DataFrame:
    columns = [metric.column for metric in metrics]
    keys = ["latent_dim", "seed"]
    alone = study.ae.groupby(keys)[columns].mean().add_suffix("_ae").reset_index()
    pairs = study.vae.merge(alone, on=keys)
    dims = select_spread(sorted(pairs["latent_dim"].unique().tolist()), MOST_SERIES)
    pairs = pairs[pairs["latent_dim"].isin(dims)]
    frames = []
    for column in columns:
        change = pairs.assign(difference=pairs[column] - pairs[f"{column}_ae"])
        found = summarise(change, ["latent_dim", "kl_weight"], "difference")
        frames.append(found.assign(metric=column))
    return pd.concat(frames, ignore_index=True)


def _paired_finding(summary: pd.DataFrame, metrics: list[Metric], contender: str) -> str:
    parts = []
    for metric in metrics:
        rows = summary[summary["metric"] == metric.column]
        if rows.empty:
            continue
        lower = metric.better == "lower"
        better = (rows["high"] < 0) if lower else (rows["low"] > 0)
        worse = (rows["low"] > 0) if lower else (rows["high"] < 0)
        parts.append(f"{metric.label} {int(better.sum())} better and {int(worse.sum())} worse")
    total = len(summary[["latent_dim", "kl_weight"]].drop_duplicates())
    return (
        f"Of {wording.plural(total, f'{contender} configuration')}, beyond seed noise against the "
        f"AE of the same size: {'; '.join(parts)}."
    )


def _draw_paired(
    theme: Theme, summary: pd.DataFrame, metrics: list[Metric], contender: str
) -> Canvas:
    dims = sorted(summary["latent_dim"].unique().tolist())
    drawn = with_rows(summary, metrics)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, 3.9), layout="constrained")
    panels = canvas.subplots(1, len(drawn), squeeze=False)[0]
    for ax, metric in zip(panels, drawn, strict=True):
        _draw_difference(ax, theme, summary[summary["metric"] == metric.column], dims)
        ax.set_title(f"{metric.label} ({metric.hint})")
    panels[0].set_ylabel(f"{wording.figure_text(contender)} {wording.MINUS} AE")
    legend_below(canvas, title="latent dimension")
    return canvas


def _draw_difference(ax: Axes, theme: Theme, summary: pd.DataFrame, dims: Sequence[float]) -> None:
    axis = WeightAxis(tuple(sorted(summary["kl_weight"].unique().tolist())), with_ae=False)
    ax.axhline(0, color=theme.ink, linewidth=1.0)
    for index, (dim, colour) in enumerate(zip(dims, latent_colours(len(dims)), strict=True)):
        rows = summary[summary["latent_dim"] == dim]
        dodge = axis.step * 0.05 * (index - (len(dims) - 1) / 2)
        draw_estimates(
            ax,
            [axis.position(value) + dodge for value in rows["kl_weight"]],
            rows,
            colour=colour,
            marker=MARKERS[index % len(MARKERS)],
            label=f"{dim:g}",
        )
    axis.decorate(ax, theme)


def _chance(runs: pd.DataFrame, axes: list[str]) -> str:
    """Expected share of each axis where a metric is noise alone (every run measured)."""
    return ", ".join(
        f"{_name(axis)} {wording.percent((runs[axis].nunique() - 1) / (len(runs) - 1))}"
        for axis in axes
    )


def _name(axis: str) -> str:
    return AXES[axis].replace("\n", " ")


def _sensitivity_finding(data: pd.DataFrame) -> str:
    strongest = data.loc[data.groupby("metric", sort=False)["share"].idxmax()]
    parts = [
        f"{row['metric']}: {_name(row['axis'])} ({wording.percent(row['share'])})"
        for row in records(strongest.head(3))
    ]
    return f"What explains most: {'; '.join(parts)}."


def _draw_sensitivity(theme: Theme, data: pd.DataFrame) -> Canvas:
    axes = list(dict.fromkeys(data["axis"]))
    table = data.pivot_table(index="metric", columns="axis", values="share", sort=False)[axes]
    canvas = Canvas(figsize=(HALF_WIDTH_INCHES, 1.2 + 0.36 * len(table)), layout="constrained")
    ax = canvas.subplots()
    sns.heatmap(
        table,
        ax=ax,
        vmin=0,
        vmax=1,
        cmap=HEAT_MAP,
        annot=True,
        fmt=".2f",
        linewidths=2,
        linecolor=theme.background,
        cbar_kws={"label": "share of variance"},
    )
    ax.set_xticks(ax.get_xticks(), [AXES[axis] for axis in axes], rotation=0)
    ax.set(xlabel="", ylabel="")
    return canvas
