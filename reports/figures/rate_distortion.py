"""The rate–distortion plane, with the KL weight marked along each curve."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from reports import wording
from reports.figures.figure import Figure, Missing
from reports.figures.optimum import optimum_curves, optimum_finding
from reports.figures.over_weight import MOST_SERIES
from reports.metrics import METRICS
from reports.showcase import reference_dim
from reports.statistics import SUMMARY
from reports.study import AE, CONFIGURATION, records, select_spread
from reports.style import FULL_WIDTH_INCHES, MARKERS, latent_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.study import Study
    from reports.style import Theme

TITLE = "What does each nat of rate buy in distortion?"
RATE = METRICS["test_rate_nats"]
DISTORTION = METRICS["test_distortion_nats"]
MOST_WEIGHTS = 8
MOST_ROOM = 0.6
"""Beyond the means, as a share of their span."""


def rate_distortion(study: Study) -> Figure | Missing:
    """Distortion over rate; the AE, which has no rate, at the right margin."""
    data = _plane(study)
    curves = data.dropna(subset=["rate_mean"])
    if curves.empty:
        return Missing(TITLE, "no run has both a rate and a distortion")
    optimum = optimum_curves(study, curves)
    finding = _finding(curves, reference_dim(study))
    note = (
        f"{wording.seeds(data['distortion_n'])} Bars in both directions; long ones may leave the "
        "frame. Distortion is −E log p(x|z) with all its constants, so it may be negative."
    )
    note += wording.not_drawn(
        len(study.latent_dims), data["latent_dim"].nunique(), "latent dimension"
    )
    note += wording.not_drawn(len(study.kl_weights), data["kl_weight"].nunique(), "KL weight")
    if len(optimum):
        finding += f" {optimum_finding(optimum, curves)}"
        note += " Dashed: the closed form of a linear model on the training images."
    return Figure(
        slug="rate-distortion",
        title=TITLE,
        finding=finding,
        note=note,
        alt="Curves of distortion over rate, one a latent dimension, a marker for each KL weight.",
        data=pd.concat([data, optimum], ignore_index=True) if len(optimum) else data,
        draw=partial(_draw, data=data, optimum=optimum),
        wide=True,
    )


def _plane(study: Study) -> pd.DataFrame:
    rate, distortion = study.summary(RATE), study.summary(DISTORTION)
    data = distortion.merge(rate, on=CONFIGURATION, how="left", suffixes=("_d", "_r"))
    names = {f"{part}_d": f"distortion_{part}" for part in SUMMARY}
    names |= {f"{part}_r": f"rate_{part}" for part in SUMMARY}
    data = data.rename(columns=names).drop(columns="rate_n")
    data = data[(data["family"] == AE) | data["rate_mean"].notna()]
    dims = select_spread(sorted(data["latent_dim"].unique().tolist()), MOST_SERIES)
    weights = select_spread(study.kl_weights, MOST_WEIGHTS)
    shown = data["latent_dim"].isin(dims) & (
        data["kl_weight"].isin(weights) | data["kl_weight"].isna()
    )
    return data[shown].reset_index(drop=True)


def _finding(curves: pd.DataFrame, dim: int) -> str:
    if dim not in set(curves["latent_dim"]):
        dim = int(curves["latent_dim"].max())
    rows = records(curves[curves["latent_dim"] == dim].sort_values("kl_weight"))
    best = min(rows, key=lambda row: float(row["rate_mean"] + row["distortion_mean"]))
    finding = (
        f"At latent dimension {dim} the ELBO is highest at KL weight "
        f"{wording.weight(best['kl_weight'])}: rate {wording.number(best['rate_mean'])} nats, "
        f"distortion {wording.number(best['distortion_mean'])} nats"
    )
    steps = [_step(start, end) for start, end in pairwise(_ends_and_middle(rows))]
    return f"{'; '.join([finding, *steps])}."


def _step(start: dict[str, Any], end: dict[str, Any]) -> str:
    rate = end["rate_mean"] - start["rate_mean"]
    distortion = end["distortion_mean"] - start["distortion_mean"]
    return (
        f"from KL weight {wording.weight(start['kl_weight'])} to "
        f"{wording.weight(end['kl_weight'])} the rate {wording.change(rate)} nats and the "
        f"distortion {wording.change(distortion)}"
    )


def _ends_and_middle(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rows[pick] for pick in sorted({0, len(rows) // 2, len(rows) - 1})]


def _draw(theme: Theme, data: pd.DataFrame, optimum: pd.DataFrame) -> Canvas:
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, 5.0), layout="constrained")
    ax = canvas.subplots()
    curves = data[data["family"] != AE].sort_values("kl_weight")
    weights = sorted(curves["kl_weight"].unique().tolist())
    markers = {weight: MARKERS[i % len(MARKERS)] for i, weight in enumerate(weights)}
    dims = sorted(data["latent_dim"].unique().tolist())
    colours = dict(zip(dims, latent_colours(len(dims)), strict=True))
    for dim, rows in curves.groupby("latent_dim"):
        _draw_curve(ax, rows, colours[float(str(dim))], markers)
    for dim, rows in optimum.groupby("latent_dim"):
        ax.plot(
            rows["rate_mean"],
            rows["distortion_mean"],
            color=colours[float(str(dim))],
            linestyle="--",
            linewidth=1.2,
            zorder=1,
        )
    for row in records(data[data["family"] == AE]):
        ax.plot(
            [1.0],
            [row["distortion_mean"]],
            transform=ax.get_yaxis_transform(),
            marker="<",
            markersize=8,
            color=colours[row["latent_dim"]],
            clip_on=False,
            zorder=3,
        )
    ax.set_xlim(_frame(curves["rate_mean"], ax.get_xlim()))
    ax.set_ylim(_frame(data["distortion_mean"], ax.get_ylim()))
    ax.set_xlabel("rate [nats]")
    ax.set_ylabel("distortion [nats]")
    handles = _legend(theme, colours, markers, with_ae=bool((data["family"] == AE).any()))
    if len(optimum):
        handles.append(Line2D([], [], color=theme.ink, linestyle="--", label="closed form"))
    canvas.legend(handles=handles, loc="outside right upper")
    return canvas


def _frame(means: pd.Series, limits: tuple[float, float]) -> tuple[float, float]:
    """Limits of an axis on which bars of few seeds do not shrink the curves to a line."""
    low, high = float(means.min()), float(means.max())
    room = MOST_ROOM * (high - low) if high > low else math.inf
    return max(limits[0], low - room), min(limits[1], high + room)


def _draw_curve(ax: Axes, rows: pd.DataFrame, colour: str, markers: dict[float, str]) -> None:
    ax.plot(rows["rate_mean"], rows["distortion_mean"], color=colour)
    for row in records(rows):
        ax.errorbar(
            row["rate_mean"],
            row["distortion_mean"],
            xerr=_arms(row, "rate"),
            yerr=_arms(row, "distortion"),
            marker=markers[row["kl_weight"]],
            markersize=7,
            color=colour,
            elinewidth=1.0,
        )


def _arms(row: dict[str, Any], name: str) -> list[list[float]] | None:
    low, mean, high = (row[f"{name}_{part}"] for part in ("low", "mean", "high"))
    return None if pd.isna(low) else [[max(mean - low, 0.0)], [max(high - mean, 0.0)]]


def _legend(
    theme: Theme,
    colours: dict[float, str],
    markers: dict[float, str],
    *,
    with_ae: bool,
) -> list[Line2D]:
    lines = [
        Line2D([], [], color=colour, label=f"latent {dim:g}") for dim, colour in colours.items()
    ]
    marks = [
        Line2D([], [], color=theme.ink, marker=marker, linestyle="", label=f"β {weight:g}")
        for weight, marker in markers.items()
    ]
    if with_ae:
        marks.append(Line2D([], [], color=theme.ink, marker="<", linestyle="", label="AE: no rate"))
    return [*lines, *marks]
