"""What figures of the fused kernel share: names and styles, shapes, a panel a dtype and pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure as Canvas

from reports.figures.axes import legend_below
from reports.style import FULL_WIDTH_INCHES, MARKERS, SERIES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

    from reports.style import Theme

    Panel = Callable[[Axes, Theme, pd.DataFrame], None]

COPY, FUSED, FUSED_AS_GRAPH = "copy", "fused", "fused-cudagraphs"
PASSES = {"forward": "forward", "backward": "backward", "both": "forward + backward"}
SHAPE = ["rows", "latent_dim"]
SHAPE_NOTE = "Sizes are rows × latent dimension, k = 1,024, M = 1,048,576."
MEMORY_BOUND_ELEMENTS = 2**26
PANEL_INCHES = 2.2
OURS, COMPILED, EAGER, _ = SERIES
AROUND_PANELS_INCHES = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """How an implementation is called and drawn."""

    label: str
    colour: str
    marker: str
    style: str


LINES = {
    FUSED: Line("fused", OURS, MARKERS[0], "-"),
    FUSED_AS_GRAPH: Line("fused, CUDA graph", OURS, MARKERS[1], "--"),
    "fused-stored-noise": Line("fused, noise stored", OURS, MARKERS[2], ":"),
    "compile": Line("torch.compile", COMPILED, MARKERS[3], "-"),
    "compile-cudagraphs": Line("torch.compile, CUDA graph", COMPILED, MARKERS[4], "--"),
    "eager": Line("eager", EAGER, MARKERS[5], "-"),
}


def shape_name(rows: float, latent_dim: float) -> str:
    """Write a shape shortly: 64k×1k."""
    return f"{_in_powers(rows)}×{_in_powers(latent_dim)}"


def large_shapes(data: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Rows at sizes where memory is the limit, or else at the largest, and where that is."""
    elements = data["rows"] * data["latent_dim"]
    if (elements >= MEMORY_BOUND_ELEMENTS).any():
        return "At 2²⁶ elements and more", data[elements >= MEMORY_BOUND_ELEMENTS]
    largest = data[elements == elements.max()]
    return f"At the largest size, {shape_name(*largest[SHAPE].iloc[0])}", largest


def draw_panels(theme: Theme, data: pd.DataFrame, panel: Panel, value: str) -> Canvas:
    """Draw a row of panels a dtype and a column a pass, over shapes in the order of their size.

    `panel` gets the axes, the theme and the panel's rows, in which `position` is the place on the
    axis.
    """
    dtypes = list(dict.fromkeys(data["dtype"]))
    passes = [phase for phase in PASSES if (data["phase"] == phase).any()]
    placed, names = _placed(data)
    height = AROUND_PANELS_INCHES + PANEL_INCHES * len(dtypes)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height), layout="constrained")
    panels = canvas.subplots(len(dtypes), len(passes), squeeze=False, sharex=True, sharey=True)
    for (row, column), ax in np.ndenumerate(panels):
        here = (placed["dtype"] == dtypes[row]) & (placed["phase"] == passes[column])
        panel(ax, theme, placed[here])
        ax.set_title(f"{PASSES[passes[column]]}, {dtypes[row]}")
    panels[0, 0].set_xticks(range(len(names)), names)
    for ax in panels[-1]:
        for label in ax.get_xticklabels():
            label.set(rotation=45, rotation_mode="anchor", horizontalalignment="right")
    for ax in panels[:, 0]:
        ax.set_ylabel(value)
    legend_below(canvas, 4)
    return canvas


def _placed(data: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Add each shape's `position`, ordered by elements; and the shapes' names."""
    shapes = data[SHAPE].drop_duplicates()
    order = (shapes["rows"] * shapes["latent_dim"]).to_numpy()
    shapes = shapes.iloc[np.lexsort((shapes["latent_dim"].to_numpy(), order))]
    shapes = shapes.assign(position=range(len(shapes)))
    names = [shape_name(*shape) for shape in shapes[SHAPE].itertuples(index=False)]
    return data.merge(shapes, on=SHAPE).sort_values("position"), names


def _in_powers(size: float) -> str:
    for unit, name in ((2**20, "M"), (2**10, "k")):
        if size >= unit and size % unit == 0:
            return f"{size / unit:g}{name}"
    return f"{size:g}"
