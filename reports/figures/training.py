"""Training curves: squared error and rate over epochs, for the AE and each KL weight."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from reports import wording
from reports.figures.axes import legend_below, set_log_values
from reports.figures.figure import Figure, Missing
from reports.showcase import reference_dim
from reports.statistics import summarise
from reports.study import AE, CONFIGURATION, select_spread
from reports.style import AUTOENCODER, FULL_WIDTH_INCHES, weight_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.study import Study
    from reports.style import Theme

TITLE = "Had training settled when it stopped?"
MOST_WEIGHTS = 6
MOST_EPOCHS = 200
LINES = ("-", "--", "-.", ":")
ERROR = "squared_error"
QUANTITIES = {ERROR: "reconstruction error per sample", "rate_nats": "rate [nats]"}


def training_curves(study: Study) -> Figure | Missing:
    """Mean curves with intervals at one latent dimension."""
    dim = reference_dim(study)
    data = _mean_curves(study, dim)
    if data.empty:
        return Missing(TITLE, "no training curves were recorded")
    return Figure(
        slug="training-curves",
        title=TITLE,
        finding=_finding(data),
        note=f"Latent dimension {dim}, training set. {wording.seeds(data['n'])}"
        f"{wording.not_drawn(len(study.kl_weights), data['kl_weight'].nunique(), 'KL weight')}",
        alt="Line charts of reconstruction error and of rate over epochs, one line a KL weight.",
        data=data,
        draw=partial(_draw, data=data),
        wide=len(set(data["quantity"])) > 1,
    )


def _mean_curves(study: Study, dim: int) -> pd.DataFrame:
    runs = study.runs[study.runs["latent_dim"] == dim]
    weights = select_spread(study.kl_weights, MOST_WEIGHTS)
    runs = runs[(runs["family"] == AE) | runs["kl_weight"].isin(weights)]
    curves = study.sweep.curves.merge(runs[["run_id", *CONFIGURATION]], on="run_id")
    epochs = select_spread(sorted(curves["epoch"].dropna().unique().tolist()), MOST_EPOCHS)
    curves = curves[curves["epoch"].isin(epochs)]
    frames = [
        summarise(curves, [*CONFIGURATION, "epoch"], quantity).assign(quantity=quantity)
        for quantity in QUANTITIES
    ]
    return pd.concat(frames, ignore_index=True)


def _finding(data: pd.DataFrame) -> str:
    """How much the error still fell over the last tenth of training, worst case."""
    rows = data[data["quantity"] == ERROR]
    rows = rows if len(rows) else data
    last = rows["epoch"].max()
    near = rows.loc[rows["epoch"] <= 0.9 * last, "epoch"].max()
    if pd.isna(near):
        return f"Training ran for {wording.plural(int(last), 'epoch')}."
    wide = rows.pivot_table(index=CONFIGURATION, columns="epoch", values="mean", dropna=False)
    fall = (1 - wide[last] / wide[near]).dropna()
    family, _, kl_weight = fall.idxmax()
    name = "the AE" if family == AE else f"KL weight {wording.weight(kl_weight)}"
    return (
        f"Over the last tenth of {int(last)} epochs the reconstruction error changed by "
        f"{wording.percent(-fall.max())} for {name}, where it fell most, and by "
        f"{wording.percent(-fall.median())} in the median."
    )


def _draw(theme: Theme, data: pd.DataFrame) -> Canvas:
    quantities = [name for name in QUANTITIES if (data["quantity"] == name).any()]
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES * len(quantities) / 2, 3.8), layout="constrained")
    panels = canvas.subplots(1, len(quantities), squeeze=False)[0]
    weights = sorted(data["kl_weight"].dropna().unique().tolist())
    for ax, quantity in zip(panels, quantities, strict=True):
        rows = data[data["quantity"] == quantity]
        for index, (kl_weight, colour) in enumerate(
            zip(weights, weight_colours(len(weights)), strict=True)
        ):
            series = rows[rows["kl_weight"] == kl_weight]
            label = f"β {wording.weight(kl_weight)}"
            _draw_series(ax, series, colour, LINES[index % len(LINES)], label)
        _draw_series(ax, rows[rows["family"] == AE], AUTOENCODER, "-", "AE")
        ax.set_xlabel("epoch")
        ax.set_ylabel(QUANTITIES[quantity])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        if quantity == ERROR and (rows["mean"] > 0).all():
            set_log_values(ax)
        else:
            ax.set_ylim(bottom=0)
    legend_below(canvas, None if len(panels) > 1 else 4)
    return canvas


def _draw_series(ax: Axes, rows: pd.DataFrame, colour: str, line: str, label: str) -> None:
    if rows.empty:
        return
    ax.plot(rows["epoch"], rows["mean"], color=colour, linestyle=line, label=label)
    if rows["low"].notna().any():
        ax.fill_between(
            rows["epoch"], rows["low"], rows["high"], color=colour, alpha=0.2, linewidth=0
        )
