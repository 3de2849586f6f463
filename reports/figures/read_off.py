"""What can be read off the codes, beside the same of raw pixels, PCA and an untrained encoder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.figure import Figure, Missing
from reports.figures.lookup import interval
from reports.metrics import METRICS
from reports.showcase import reference_dim, showcase
from reports.statistics import SUMMARY, summarise
from reports.study import AE, records
from reports.style import AUTOENCODER, FULL_WIDTH_INCHES
from reports.sweep import CONTROLS, READ_OFF_CODES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.metrics import Metric
    from reports.study import Study
    from reports.style import Theme

TITLE = "What can be read off the codes, and would simpler codes do?"
CONTROL_NAMES = {"pixels": "raw pixels", "pca": "PCA", "random_encoder": "untrained encoder"}
CONTROL_MARKERS = {"raw pixels": "s", "PCA": "D", "untrained encoder": "X"}
AE_MARKER = "*"
ROW_INCHES = 0.4
DODGE = 0.16


def read_off_codes(study: Study) -> Figure | Missing:
    """One row a score: the controls, the AE, and the VAE whose pictures are shown."""
    metrics = [METRICS[name] for name in READ_OFF_CODES if study.runs[name].notna().any()]
    if not metrics:
        return Missing(TITLE, "no run has a probe, clusters or targets")
    dim = reference_dim(study)
    shown = showcase(study).get("vae", {}).get("kl_weight")
    data = _scores(study, metrics, dim, shown)
    if data.empty:
        return Missing(TITLE, f"not measured at latent dimension {dim}")
    of_numbers = any(metric.column.startswith("regression_") for metric in metrics)
    vae = "" if shown is None else f", {study.contender} at KL weight {wording.weight(shown)}"
    return Figure(
        slug="read-off-codes",
        title=TITLE,
        finding=_finding(data, metrics, dim),
        note=f"Latent dimension {dim}{vae}. {wording.seeds(data['n'])} Accuracies are of the test "
        "part; clusters are k-means on test codes."
        + (" R² is of linear regression and may be below 0." if of_numbers else ""),
        alt="Dot plot: a row a score, a mark each for the controls, the AE and the VAE.",
        data=data,
        draw=partial(_draw, data=data, metrics=metrics),
        wide=True,
    )


def _scores(study: Study, metrics: list[Metric], dim: int, shown: float | None) -> pd.DataFrame:
    """Long frame: metric, codes (a control, AE or the contender), SUMMARY."""
    runs = study.runs[study.runs["latent_dim"] == dim]
    once = runs.drop_duplicates("seed")
    of_kind = {
        "AE": runs[runs["family"] == AE],
        study.contender: runs[(runs["family"] != AE) & (runs["kl_weight"] == shown)],
    }
    parts = []
    for metric in metrics:
        found = {
            CONTROL_NAMES[control]: (once, f"{metric.column}_{control}") for control in CONTROLS
        }
        found |= {kind: (rows, metric.column) for kind, rows in of_kind.items()}
        for codes, (rows, column) in found.items():
            summary = summarise(rows, ["latent_dim"], column, metric.bounds)
            parts.append(summary.assign(metric=metric.column, codes=codes))
    data = pd.concat(parts, ignore_index=True)
    return data[["metric", "codes", "latent_dim", *SUMMARY]]


def _finding(data: pd.DataFrame, metrics: list[Metric], dim: int) -> str:
    metric = metrics[0]
    rows = records(data[data["metric"] == metric.column])
    said = ", ".join(f"{interval(row)} for {row['codes']}" for row in rows)
    return f"At latent dimension {dim} {metric.label} is {said}."


def _draw(theme: Theme, data: pd.DataFrame, metrics: list[Metric]) -> Canvas:
    canvas = Canvas(
        figsize=(FULL_WIDTH_INCHES, 1.3 + ROW_INCHES * len(metrics)), layout="constrained"
    )
    ax = canvas.subplots()
    kinds = list(dict.fromkeys(data["codes"]))
    for index, kind in enumerate(kinds):
        _draw_kind(ax, theme, data[data["codes"] == kind], metrics, kind, index - len(kinds) // 2)
    ax.set_yticks(range(len(metrics)), [metric.label for metric in metrics])
    ax.set_ylim(len(metrics) - 0.5, -0.5)
    low, high = ax.get_xlim()
    ax.set_xlim(max(low, -1.0), min(high, 1.03))
    ax.set_xlabel("score (higher is better)")
    canvas.legend(loc="outside lower center", ncols=len(kinds))
    return canvas


def _draw_kind(
    ax: Axes, theme: Theme, rows: pd.DataFrame, metrics: list[Metric], kind: str, place: int
) -> None:
    """Draw one kind of codes over all scores, a little below or above its row's middle."""
    order = {metric.column: position for position, metric in enumerate(metrics)}
    positions = [order[column] + DODGE * place for column in rows["metric"]]
    below = (rows["mean"] - rows["low"]).fillna(0.0).clip(lower=0.0)
    above = (rows["high"] - rows["mean"]).fillna(0.0).clip(lower=0.0)
    colour = AUTOENCODER if kind == "AE" else theme.muted if kind in CONTROL_MARKERS else theme.ink
    ax.errorbar(
        rows["mean"],
        positions,
        xerr=[below, above],
        color=colour,
        marker=AE_MARKER if kind == "AE" else CONTROL_MARKERS.get(kind, "o"),
        markersize=9 if kind == "AE" else None,
        linestyle="",
        elinewidth=1.1,
        label=kind,
    )
