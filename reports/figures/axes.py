"""Axes that several figures share: KL weight with the AE at its left, and latent dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator

from reports import wording
from reports.style import AUTOENCODER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.metrics import Metric
    from reports.style import Theme

LOG_SPAN_LIMIT = 1e4
LOG_SPAN_LEAST = 2.0
LOG_STEPS = (
    (1.0, (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)),
    (1.5, (1.0, 2.0, 5.0)),
    (3.0, (1.0, 3.0)),
    (math.inf, (1.0,)),
)
"""Steps of each decade that a value axis numbers, for axes of fewer decades than the first."""
LEAST_SHARE_SPAN = 0.04
DIGIT_INCHES = 0.084
LABEL_GAP_INCHES = 0.03
VALUE_AXIS_INCHES = 0.62
MOST_IN_ROW = 5
DEFAULT_STEP = 0.5


@dataclass(frozen=True, slots=True)
class WeightAxis:
    """Positions of KL weights: log10 of the weight; zero and then the AE stand left of the rest."""

    weights: tuple[float, ...]
    with_ae: bool

    @property
    def step(self) -> float:
        """Typical distance between neighbouring weights."""
        logs = np.log10([weight for weight in self.weights if weight > 0])
        return float(np.median(np.diff(logs))) if len(logs) > 1 else DEFAULT_STEP

    @property
    def zero(self) -> float:
        """Position of a KL weight of exactly zero."""
        positive = [weight for weight in self.weights if weight > 0]
        return (math.log10(positive[0]) if positive else 0.0) - self.step

    @property
    def ae(self) -> float:
        """Position of the AE."""
        leftmost = self.position(self.weights[0]) if self.weights else 0.0
        return leftmost - 1.3 * self.step

    def position(self, kl_weight: float) -> float:
        """Place of a weight on the axis; NaN stands for the AE."""
        if math.isnan(kl_weight):
            return self.ae
        return math.log10(kl_weight) if kl_weight > 0 else self.zero

    def decorate(self, ax: Axes, theme: Theme) -> None:
        """Set ticks at the weights themselves and divide the AE from them."""
        ends = [self.position(weight) for weight in self.weights] or [self.ae]
        ax.set_xlim(
            (self.ae if self.with_ae else ends[0]) - 0.5 * self.step, ends[-1] + 0.3 * self.step
        )
        ticks = {self.position(weight): wording.weight(weight) for weight in self.weights}
        if self.with_ae:
            ticks = {self.ae: "AE", **ticks}
        shown = fitting_ticks(ax, ticks)
        ax.set_xticks(list(shown), list(shown.values()))
        for label in ax.get_xticklabels():
            if label.get_text() == "AE":
                label.set_color(AUTOENCODER)
                label.set_fontweight("bold")
        if self.with_ae and self.weights:
            divide = (self.ae + self.position(self.weights[0])) / 2
            ax.axvline(divide, color=theme.muted, linewidth=0.8, linestyle=":")
        ax.set_xlabel("KL weight β (log scale)" if self.weights else "")
        ax.grid(visible=False, axis="x")


def set_latent_axis(ax: Axes, latent_dims: Sequence[float]) -> None:
    """Put latent dimensions on a log2 axis, with ticks at the dimensions themselves."""
    set_size_axis(ax, latent_dims, "latent dimension")


def set_size_axis(ax: Axes, sizes: Sequence[float], name: str) -> None:
    """Put sizes on a log2 axis, with ticks at the sizes themselves."""
    ax.set_xlim(min(sizes) / 1.25, max(sizes) * 1.25)
    ax.set_xscale("log", base=2)
    shown = fitting_ticks(ax, {size: f"{size:g}" for size in sizes})
    ax.set_xticks(list(shown), list(shown.values()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(f"{name} (log scale)")


def fitting_ticks(ax: Axes, ticks: dict[float, str]) -> dict[float, str]:
    """Keep the first and the last label, and those between that have room."""
    spans = {position: _label_span(ax, position, label) for position, label in ticks.items()}
    first, *others = ticks
    kept = [first, *others[-1:]]
    for position in reversed(others[:-1]):
        left, right = spans[position]
        if left >= spans[first][1] and right <= spans[kept[-1]][0]:
            kept.append(position)
    return {position: ticks[position] for position in kept}


def _label_span(ax: Axes, position: float, label: str) -> tuple[float, float]:
    """Left and right end of a label below the axis, in inches, as layout will leave it."""
    grid = ax.get_subplotspec()
    columns = 1 if grid is None else grid.get_gridspec().ncols
    axis_inches = ax.figure.bbox.width / ax.figure.dpi / columns - VALUE_AXIS_INCHES
    share = (float(ax.transData.transform((position, 1.0))[0]) - ax.bbox.x0) / ax.bbox.width
    points = label.count(".")
    width = (len(label) - points / 2) * DIGIT_INCHES + LABEL_GAP_INCHES
    return share * axis_inches - width / 2, share * axis_inches + width / 2


def legend_columns(count: int) -> int:
    """Entries of a legend below a half-width figure that stand in one row."""
    return count if count <= MOST_IN_ROW else math.ceil(count / 2)


def legend_below(canvas: Canvas, columns: int | None = None, title: str | None = None) -> None:
    """Put one legend of all panels below them, `columns` entries in a row or all in one."""
    entries: dict[str, Any] = {}
    for ax in canvas.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    canvas.legend(
        list(entries.values()),
        list(entries),
        title=title,
        loc="outside lower center",
        ncols=columns or len(entries),
    )


def set_metric_axis(ax: Axes, metric: Metric, means: pd.Series) -> None:
    """Label the value axis, logarithmic where the metric spans decades."""
    ax.set_ylabel(metric.axis_label)
    if metric.log and (means > 0).all() and means.max() / means.min() > LOG_SPAN_LEAST:
        set_log_values(ax)
        low, high = ax.get_ylim()
        ax.set_ylim(max(low, means.max() / LOG_SPAN_LIMIT), high)
    elif metric.bounds == (0.0, 1.0):
        low, high = ax.get_ylim()
        room = max(0.0, LEAST_SHARE_SPAN - (high - low)) / 2
        ax.set_ylim(max(low - room, -0.04), min(high + room, 1.04))


def set_log_values(ax: Axes) -> None:
    """Make the value axis logarithmic with plain numbers at a few steps of each decade, or at equal
    steps where it is so short that fewer than three of those fall on it.
    """
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    decades = math.log10(high / low)
    steps = next(steps for most, steps in LOG_STEPS if decades < most)
    locator: Locator = LogLocator(base=10, subs=steps, numticks=12)
    if sum(low <= tick <= high for tick in locator.tick_values(low, high)) < 3:
        locator = MaxNLocator(nbins=6, steps=[1, 2, 5, 10])
    ax.yaxis.set_major_locator(locator)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def draw_estimates(
    ax: Axes,
    positions: Sequence[float] | np.ndarray,
    summary: pd.DataFrame,
    *,
    colour: str,
    marker: str,
    label: str | None = None,
    line: str = "-",
) -> None:
    """Draw means joined by a line, with their intervals (columns mean, low, high) as bars."""
    mean = summary["mean"].to_numpy(dtype=float)
    below = np.nan_to_num(mean - summary["low"].to_numpy(dtype=float))
    above = np.nan_to_num(summary["high"].to_numpy(dtype=float) - mean)
    ax.errorbar(
        np.asarray(positions, dtype=float),
        mean,
        yerr=np.clip(np.vstack([below, above]), 0.0, None),
        color=colour,
        marker=marker,
        label=label,
        linestyle=line,
        elinewidth=1.1,
    )
