"""Probe accuracy over latent dimension × KL weight, with the AE and the controls beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.figure import Figure, Missing
from reports.metrics import METRICS, SHARE
from reports.statistics import SUMMARY, summarise
from reports.study import AE, select_spread
from reports.style import FULL_WIDTH_INCHES, HEAT_MAP
from reports.verdict import best_configuration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.metrics import Metric
    from reports.study import Study
    from reports.style import Theme

NEGLIGIBLE = 1e-9
MOST_ROWS = 8
MOST_WEIGHTS = 8
CONTROLS = {"pixels": "pixels", "pca": "PCA", "random_encoder": "random\nencoder"}


def linear_probe(study: Study) -> Figure | Missing:
    """Accuracy of a linear probe on the posterior mean."""
    return _probe(study, METRICS["probe_linear_accuracy"], "linear-probe", "linearly separable")


def nearest_neighbours(study: Study) -> Figure | Missing:
    """Accuracy of k nearest neighbours on the posterior mean."""
    return _probe(
        study, METRICS["probe_knn_accuracy"], "k-nn", "neighbours of one another within a class"
    )


def _probe(study: Study, metric: Metric, slug: str, quality: str) -> Figure | Missing:
    title = f"Are codes {quality}?"
    data = _accuracies(study, metric)
    if data.empty:
        return Missing(title, f"no run has a {metric.label}")
    return Figure(
        slug=slug,
        title=title,
        finding=_finding(study, metric),
        note=f"{wording.seeds(data['n'])} Below a mean: half the width of its interval. Controls: "
        "the same probe on raw pixels, on PCA of the same dimension, and on the codes of an "
        f"untrained encoder.{_left_out(study, data)}",
        alt=f"Heat map of {metric.label}: a row a latent size; controls, AE, KL weights.",
        data=data,
        draw=partial(_draw, data=data, metric=metric),
        wide=True,
    )


def _left_out(study: Study, data: pd.DataFrame) -> str:
    dims = wording.not_drawn(
        len(study.latent_dims), data["latent_dim"].nunique(), "latent dimension"
    )
    weights = set(data["column"]) - {"AE", *CONTROLS.values()}
    return dims + wording.not_drawn(len(study.kl_weights), len(weights), "KL weight")


def _accuracies(study: Study, metric: Metric) -> pd.DataFrame:
    """Long frame: latent_dim, column (control, AE or KL weight), SUMMARY."""
    weights = select_spread(study.kl_weights, MOST_WEIGHTS)
    summary = study.summary(metric)
    summary = summary[(summary["family"] == AE) | summary["kl_weight"].isin(weights)]
    names = ["AE" if np.isnan(value) else wording.weight(value) for value in summary["kl_weight"]]
    parts = [_control(study, f"{metric.column}_{name}", label) for name, label in CONTROLS.items()]
    parts.append(summary.assign(column=names).sort_values("kl_weight", na_position="first"))
    data = pd.concat([part for part in parts if len(part)] or [summary.assign(column="")])
    dims = select_spread(sorted(data["latent_dim"].unique().tolist()), MOST_ROWS)
    kept = data[data["latent_dim"].isin(dims)]
    return kept[["latent_dim", "column", *SUMMARY]].reset_index(drop=True)


def _control(study: Study, column: str, label: str) -> pd.DataFrame:
    once = study.runs.drop_duplicates(["latent_dim", "seed"])
    return summarise(once, ["latent_dim"], column, SHARE).assign(column=label)


def _finding(study: Study, metric: Metric) -> str:
    ae = best_configuration(study.ae, metric)
    vae = best_configuration(study.vae, metric)
    parts = [
        f"{best.configuration.name} reaches {wording.interval(best.score)}"
        for best in (vae, ae)
        if best is not None
    ]
    if not parts:
        return f"Only controls have a {metric.label}."
    best = max((b for b in (vae, ae) if b is not None), key=lambda b: b.score.mean)
    rows = study.configuration_runs(best.configuration)
    controls = [
        f"{label.replace(chr(10), ' ')} {wording.number(rows[f'{metric.column}_{name}'].mean())}"
        for name, label in CONTROLS.items()
        if rows[f"{metric.column}_{name}"].notna().any()
    ]
    finding = f"The best {metric.label}: {'; '.join(parts)}"
    if controls:
        finding += (
            f". Controls at latent dimension {best.configuration.latent_dim:g}: "
            f"{', '.join(controls)}"
        )
    return f"{finding}."


def _draw(theme: Theme, data: pd.DataFrame, metric: Metric) -> Canvas:
    columns = list(dict.fromkeys(data["column"]))
    means = data.pivot_table(index="latent_dim", columns="column", values="mean")[columns]
    widths = data.pivot_table(
        index="latent_dim", columns="column", values="half_width", dropna=False
    ).reindex(index=means.index, columns=columns)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, 1.5 + 0.58 * len(means)), layout="constrained")
    ax = canvas.subplots()
    sns.heatmap(
        means,
        ax=ax,
        cmap=HEAT_MAP,
        annot=_cell_text(means, widths),
        fmt="",
        linewidths=2,
        linecolor=theme.background,
        cbar_kws={"label": metric.label, "shrink": 0.85, "pad": 0.02},
        annot_kws={"size": 9},
        mask=means.isna(),
    )
    ax.set_yticklabels([f"{dim:g}" for dim in means.index], rotation=0)
    ax.set_xticks(ax.get_xticks(), columns, rotation=0)
    ax.set_ylabel("latent dimension")
    _bracket(ax, columns, theme)
    return canvas


def _cell_text(means: pd.DataFrame, widths: pd.DataFrame) -> np.ndarray:
    text = [
        [
            f"{mean:.3f}" + (f"\n±{half:.3f}" if half > NEGLIGIBLE else "")
            for mean, half in zip(mean_row, half_row, strict=True)
        ]
        for mean_row, half_row in zip(means.to_numpy(), widths.to_numpy(), strict=True)
    ]
    return np.array(text, dtype=object)


def _bracket(ax: Axes, columns: list[str], theme: Theme) -> None:
    """Divide controls, AE and KL weights, and say which is which below the columns."""
    controls = sum(column in CONTROLS.values() for column in columns)
    with_ae = "AE" in columns
    for edge in {controls, controls + with_ae} - {0, len(columns)}:
        ax.axvline(edge, color=theme.ink, linewidth=1.6)
    ax.set_xlabel("")
    weights = len(columns) - controls - with_ae
    for start, count, name in (
        (0, controls, "controls"),
        (controls + with_ae, weights, "KL weight"),
    ):
        if count:
            ax.annotate(
                name,
                (start + count / 2, 0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -32),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=10,
            )
