"""Colours, markers and text sizes of every figure.

Ordered quantities have sequential palettes whose lightness falls steadily, so they read without
colour vision; every series has its own marker as well. The AE has one colour of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.colors import to_hex

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "h", ">", "*")
AUTOENCODER = "#c2410c"
SERIES = ("#0173b2", "#a86200", "#02704f", "#6d2077")
"""Unordered series of a chart; each reads on a light page, and turned over on a dark one."""
HEAT_MAP = "crest"
RESOLUTION_DPI = 160
HALF_WIDTH_INCHES = 4.9
FULL_WIDTH_INCHES = 9.6


@dataclass(frozen=True, slots=True)
class Theme:
    """One page colour scheme, as hex colours; `labels` are colours of unordered classes."""

    name: str
    background: str
    ink: str
    muted: str
    grid: str
    labels: tuple[str, ...]

    def settings(self) -> dict[Any, Any]:
        """Matplotlib settings: seaborn's white grid in this scheme's colours."""
        return {
            **sns.axes_style("whitegrid"),
            **sns.plotting_context("notebook", font_scale=0.8),
            "figure.facecolor": self.background,
            "axes.facecolor": self.background,
            "savefig.facecolor": self.background,
            "text.color": self.ink,
            "axes.labelcolor": self.ink,
            "axes.titlecolor": self.ink,
            "xtick.color": self.ink,
            "ytick.color": self.ink,
            "axes.edgecolor": self.muted,
            "grid.color": self.grid,
            "grid.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 10.5,
            "axes.labelsize": 10,
            "xtick.labelsize": 9.5,
            "ytick.labelsize": 9.5,
            "legend.fontsize": 9.5,
            "legend.title_fontsize": 9.5,
            "legend.frameon": False,
            "lines.linewidth": 1.6,
            "lines.markersize": 5.5,
            "font.family": "DejaVu Sans",
            "text.parse_math": False,
            "axes.formatter.use_mathtext": False,
            "axes.formatter.useoffset": False,
            "svg.fonttype": "none",
        }


def weight_colours(count: int) -> list[str]:
    """Colours of `count` KL weights, from smallest to largest."""
    return _sample("crest", 0.12, 1.0, count)


def latent_colours(count: int) -> list[str]:
    """Colours of `count` latent dimensions, from smallest to largest."""
    return _sample("plasma", 0.7, 0.05, count)


def _sample(name: str, low: float, high: float, count: int) -> list[str]:
    colour_map = sns.color_palette(name, as_cmap=True)
    steps = [low + (high - low) * index / max(count - 1, 1) for index in range(count)]
    return [to_hex(colour_map(step if count > 1 else (low + high) / 2)) for step in steps]


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1c2330",
    muted="#7b8494",
    grid="#e3e7ee",
    labels=tuple(sns.color_palette("colorblind", 10).as_hex()),
)
DARK = Theme(
    name="dark",
    background="#161b24",
    ink="#e6eaf1",
    muted="#8d97a8",
    grid="#2b3341",
    labels=tuple(sns.color_palette("bright", 10).as_hex()),
)


def drawing(theme: Theme) -> AbstractContextManager[None]:
    """Context in which figures are drawn; nothing global changes."""
    return mpl.rc_context(theme.settings())
