"""Figures of a comparison of two sweeps: every difference is B − A."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from reports import wording
from reports.figures.axes import legend_below, set_latent_axis, set_log_values
from reports.figures.figure import Figure, Missing
from reports.figures.over_weight import MOST_SERIES, draw_over_weight, with_rows
from reports.metrics import ANY, METRICS
from reports.pairing import OUTCOMES
from reports.study import AE, select_spread
from reports.style import FULL_WIDTH_INCHES, HALF_WIDTH_INCHES, MARKERS, weight_colours
from reports.verdict import PURPOSES

if TYPE_CHECKING:
    from reports.metrics import Metric
    from reports.pairing import Pairing
    from reports.style import Theme

LOG_RATIOS_FROM = 4.0
"""Largest over smallest ratio of speeds from which their axis is logarithmic."""
COUNTS_TITLE = "Which metrics changed beyond noise?"
DIFFERENCES_TITLE = "Where did they change, and by how much?"
SPEED_TITLE = "Did the speed change?"
COLOURS = ("#17663f", "#c2410c", "#7a5195", "#b9c2d0", "#e0d3a8", "#dfe4ec")
HATCHES = ("", "///", "xx", "", "..", "")
PHASES = ("train", "encode", "decode")
MOST_BARS = 34


def outcome_bars(pairing: Pairing) -> Figure | Missing:
    """Configurations with each outcome, one bar a metric."""
    cells = pairing.cells
    if cells.empty:
        return Missing(COUNTS_TITLE, "no metric was measured in both sweeps")
    counts = cells.groupby(["metric", "outcome"]).size().rename("configurations").reset_index()
    measured = [metric.column for metric in pairing.metrics]
    order = measured[:MOST_BARS]
    note = "Better and worse are B against A, where the 95 % interval of the difference does not "
    note += "hold zero."
    if len(order) < len(measured):
        note += f" {len(order)} of {len(measured)} metrics drawn; the table has all."
    beyond = counts[counts["outcome"].isin(OUTCOMES[:3])].groupby("metric")["configurations"].sum()
    most = [f"{METRICS[str(column)].label} ({int(n)})" for column, n in beyond.nlargest(3).items()]
    total = int(cells.groupby("metric").size().max())
    return Figure(
        slug="outcomes",
        title=COUNTS_TITLE,
        finding=f"Of at most {wording.plural(total, 'configuration')} each, beyond noise: "
        f"{', '.join(most)}."
        if most
        else f"None, in any of at most {wording.plural(total, 'configuration')} each.",
        note=note,
        alt="Stacked bars, one a metric, of configurations by outcome.",
        data=counts,
        draw=partial(_draw_bars, counts=counts, order=order),
        wide=True,
    )


def _draw_bars(theme: Theme, counts: pd.DataFrame, order: list[str]) -> Canvas:
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, 1.1 + 0.25 * len(order)), layout="constrained")
    ax = canvas.subplots()
    table = counts.pivot_table(index="metric", columns="outcome", values="configurations")
    table = table.reindex(index=order, columns=list(OUTCOMES)).fillna(0)
    left = np.zeros(len(order))
    for outcome, colour, hatch in zip(OUTCOMES, COLOURS, HATCHES, strict=True):
        size = table[outcome].to_numpy(dtype=float)
        if size.any():
            ax.barh(
                range(len(order)),
                size,
                left=left,
                color=colour,
                hatch=hatch,
                edgecolor=theme.background,
                label=outcome,
            )
        left += size
    ax.set_yticks(range(len(order)), [METRICS[column].label for column in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("configurations")
    canvas.legend(loc="outside lower center", ncols=6)
    return canvas


def differences(pairing: Pairing) -> Figure | Missing:
    """B − A over the KL weight for the metric of each purpose, one line a latent dimension."""
    metrics = [p.metric for p in PURPOSES if p.metric in pairing.metrics]
    if not metrics:
        return Missing(DIFFERENCES_TITLE, "no purpose's metric was measured in both sweeps")
    cells = pairing.cells[pairing.cells["metric"].isin([metric.column for metric in metrics])]
    first = cells.drop_duplicates(["metric", "family", "latent_dim", "kl_weight"])
    dims = select_spread(sorted(first["latent_dim"].unique().tolist()), MOST_SERIES)
    kept = first["latent_dim"].isin(dims) & first["family"].isin(_shown_families(first))
    data = first[kept].rename(columns={"difference": "mean"})
    note = f"{wording.seeds(data['n'])} Where an interval holds the zero line, no change is shown."
    if len(data) < len(cells):
        note += f" {len(data)} of {len(cells)} differences drawn; the table has all."
    return Figure(
        slug="differences",
        title=DIFFERENCES_TITLE,
        finding=_differences_finding(cells, metrics),
        note=note,
        alt="Line charts of B minus A over KL weight, AE at the left, one line a latent dimension.",
        data=data,
        draw=partial(_draw_differences, data=data, metrics=with_rows(data, metrics)),
        wide=len(metrics) > 1,
    )


def _shown_families(cells: pd.DataFrame) -> list[str]:
    """One family without a KL weight and one with: the plain AE and VAE where they are there."""
    has_weight = cells["kl_weight"].notna()
    kinds = [set(cells.loc[kind, "family"]) for kind in (~has_weight, has_weight)]
    return [min(kind, key=lambda name: (name not in {AE, "vae"}, name)) for kind in kinds if kind]


def _differences_finding(cells: pd.DataFrame, metrics: list[Metric]) -> str:
    parts = []
    for metric in metrics:
        rows = cells[cells["metric"] == metric.column]
        change = rows["difference"].abs()
        parts.append(
            f"{metric.label} by {wording.number(change.median(), 2)} in the median and at most by "
            f"{wording.number(change.max(), 2)}"
        )
    return f"Up or down: {'; '.join(parts)}."


def _draw_differences(theme: Theme, data: pd.DataFrame, metrics: list[Metric]) -> Canvas:
    plain = [replace(metric, bounds=ANY, log=False) for metric in metrics]
    canvas = draw_over_weight(theme, data, plain, columns=len(plain))
    for ax in canvas.axes:
        ax.axhline(0, color=theme.ink, linewidth=1.0, zorder=1)
    canvas.axes[0].set_ylabel(f"B {wording.MINUS} A")
    return canvas


def speed_ratio(pairing: Pairing) -> Figure | Missing:
    """Throughput of B over A, by phase, device and latent dimension."""
    keys = ["phase", "objective", "device", "batch_size", "latent_dim"]
    summaries = [
        sweep.throughput[sweep.throughput["phase"].isin(PHASES)]
        .groupby(keys, dropna=False)["samples_per_s"]
        .agg(median="median", slowest="min", fastest="max")
        .add_suffix(suffix)
        for sweep, suffix in ((pairing.first, "_a"), (pairing.second, "_b"))
    ]
    both = summaries[0].join(summaries[1], how="inner").reset_index()
    if both.empty:
        return Missing(SPEED_TITLE, "throughput was not measured for the same in both sweeps")
    data = both.assign(
        ratio=both["median_b"] / both["median_a"],
        low=both["slowest_b"] / both["fastest_a"],
        high=both["fastest_b"] / both["slowest_a"],
    )
    apart = (data["low"] > 1) | (data["high"] < 1)
    return Figure(
        slug="speed-ratio",
        title=SPEED_TITLE,
        finding=f"B over A is {wording.number(data['ratio'].median())} in the median, from "
        f"{wording.number(data['ratio'].min())} to {wording.number(data['ratio'].max())}; in "
        f"{int(apart.sum())} of {len(data)} cases the ranges of repeats do not overlap.",
        note="Ratio of median samples per second; above 1, B is faster. Bars: the ratios that the "
        "slowest and the fastest repeats allow. Two sweeps run at different times also differ by "
        "what else the machine did.",
        alt="Dot charts of the ratio of throughputs over latent dimension, one panel a phase.",
        data=data,
        draw=partial(_draw_speed, data=data),
        wide=len(set(data["phase"])) > 1,
    )


def _draw_speed(theme: Theme, data: pd.DataFrame) -> Canvas:
    phases = [phase for phase in PHASES if (data["phase"] == phase).any()]
    width = FULL_WIDTH_INCHES if len(phases) > 1 else HALF_WIDTH_INCHES
    canvas = Canvas(figsize=(width, 3.6), layout="constrained")
    panels = canvas.subplots(1, len(phases), squeeze=False, sharey=True)[0]
    dims = sorted(data["latent_dim"].unique().tolist())
    series = [key for key, _ in data.groupby(["objective", "device"])][: len(MARKERS)]
    colours = weight_colours(len(series))
    for ax, phase in zip(panels, phases, strict=True):
        ax.axhline(1, color=theme.ink, linewidth=1.0)
        for index, (objective, device) in enumerate(series):
            rows = data[
                (data["phase"] == phase)
                & (data["objective"] == objective)
                & (data["device"] == device)
            ]
            ax.errorbar(
                rows["latent_dim"] * 1.06**index,
                rows["ratio"],
                yerr=np.vstack([rows["ratio"] - rows["low"], rows["high"] - rows["ratio"]]),
                linestyle="",
                marker=MARKERS[index],
                color=colours[index],
                label=wording.figure_text(f"{wording.family(str(objective))}, {device}"),
                elinewidth=1.1,
            )
        ax.set_title(phase)
        set_latent_axis(ax, dims)
    if data["ratio"].max() > LOG_RATIOS_FROM * data["ratio"].min():
        set_log_values(panels[0])  # the panels share it
    panels[0].set_ylabel("throughput, B / A")
    legend_below(canvas, 4)
    return canvas
