"""The fused kernel's machine code: instructions an element, against its budget and the limit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullLocator

from reports import wording
from reports.figures.axes import legend_below
from reports.figures.figure import Figure, Missing
from reports.figures.kernel_panels import PASSES
from reports.style import FULL_WIDTH_INCHES, MARKERS, latent_colours

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from reports.measurements import Measurements
    from reports.style import Theme

TITLE = "Does the fused kernel leave memory as the limit?"
TICKS = (30, 40, 50, 70, 100, 150, 200)
ROW = ["arch", "dtype"]


def instruction_slots(measured: Measurements) -> Figure | Missing:
    """Instruction slots an element of every kernel that was compiled ahead of time."""
    data = measured.kernel_audit.dropna(subset=["slots_per_element"])
    if data.empty:
        return Missing(TITLE, "the kernel's machine code was not audited")
    timed = "" if len(measured.kernel_timings) else " Time was not yet measured on a GPU."
    return Figure(
        slug="kernel-slots",
        title=TITLE,
        finding=_finding(data) + timed,
        note="Counted in machine code compiled ahead of time, one point a latent dimension. The "
        "limit is a model of an H200: instructions an element that it issues while memory moves "
        "the bytes that must move; more, and arithmetic is the limit. On gfx942 the count is an "
        "upper bound.",
        alt="Dot plots of instruction slots an element by architecture and dtype, one panel a "
        "pass, with marks at the budget and at the limit.",
        data=data,
        draw=partial(_draw, data=data),
        wide=True,
    )


def _finding(data: pd.DataFrame) -> str:
    parts = []
    budgeted = data.dropna(subset=["slot_budget"])
    for phase, rows in budgeted.groupby("pass", sort=False):
        limits = rows.drop_duplicates("dtype").dropna(subset=["memory_bound_slots"])
        said = ", ".join(
            f"{limit:.0f} in {dtype}"
            for dtype, limit in limits[["dtype", "memory_bound_slots"]].itertuples(index=False)
        )
        parts.append(
            f"{wording.number(rows['slots_per_element'].max())} instruction slots {phase} "
            f"(budget {rows['slot_budget'].iloc[0]:g}; limit {said or 'unknown'})"
        )
    if not parts:
        most = wording.number(data["slots_per_element"].max())
        return f"An element takes at most {most} instruction slots."
    archs = ", ".join(dict.fromkeys(budgeted["arch"]))
    return f"On {archs} an element takes at most {' and '.join(parts)}."


def _draw(theme: Theme, data: pd.DataFrame) -> Canvas:
    passes = [phase for phase in PASSES if (data["pass"] == phase).any()]
    rows = list(data[ROW].drop_duplicates().itertuples(index=False, name=None))
    height = 1.5 + 0.27 * len(rows)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height), layout="constrained")
    panels = canvas.subplots(1, len(passes), squeeze=False, sharex=True, sharey=True)[0]
    for ax, phase in zip(panels, passes, strict=True):
        _draw_pass(ax, theme, data[data["pass"] == phase], rows)
        ax.set_title(PASSES[phase])
        ax.set_xlabel("instruction slots an element (log scale)")
    panels[0].set_yticks(range(len(rows)), [f"{arch} {dtype}" for arch, dtype in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    panels[0].set_xscale("log")
    panels[0].set_xticks(TICKS, [f"{tick}" for tick in TICKS])
    panels[0].xaxis.set_minor_locator(NullLocator())
    legend_below(canvas)
    return canvas


def _draw_pass(ax: Axes, theme: Theme, data: pd.DataFrame, rows: list[tuple[str, str]]) -> None:
    places = np.array([rows.index(key) for key in data[ROW].itertuples(index=False, name=None)])
    dims = sorted(data["latent_dim"].unique().tolist())
    for index, (dim, colour) in enumerate(zip(dims, latent_colours(len(dims)), strict=True)):
        here = (data["latent_dim"] == dim).to_numpy()
        ax.plot(
            data.loc[here, "slots_per_element"],
            places[here] + (index - (len(dims) - 1) / 2) * 0.16,
            linestyle="",
            marker=MARKERS[index % len(MARKERS)],
            markersize=4.5,
            color=colour,
            label=f"D = {dim:g}",
        )
    for column, style, label in (
        ("slot_budget", ":", "budget"),
        ("memory_bound_slots", "-", "limit of an H200 (model)"),
    ):
        marks = data[column].notna().to_numpy()
        at, row = data.loc[marks, column], places[marks]
        ax.vlines(
            at, row - 0.5, row + 0.5, color=theme.ink, linestyle=style, linewidth=2, label=label
        )
