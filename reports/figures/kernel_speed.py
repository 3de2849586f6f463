"""The fused kernel on a GPU: bandwidth below that of a copy, time and memory beside baselines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from reports import wording
from reports.figures.axes import draw_estimates, legend_below, set_log_values
from reports.figures.figure import Figure, Missing
from reports.figures.kernel_panels import (
    COPY,
    FUSED,
    FUSED_AS_GRAPH,
    LINES,
    PASSES,
    SHAPE,
    SHAPE_NOTE,
    draw_panels,
    large_shapes,
    shape_name,
)
from reports.measurements import machine
from reports.style import FULL_WIDTH_INCHES, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.measurements import Measurements
    from reports.style import Theme

ROOFLINE_TITLE = "How close does the fused kernel come to the memory limit?"
SPEED_UP_TITLE = "How many times faster is the fused kernel than PyTorch?"
MEMORY_TITLE = "How much memory does the fused kernel save?"
NOT_TIMED = "not yet measured on a GPU; python -m bench kernels on a machine with one measures it"
COMPARISONS = (
    (FUSED, "eager", "speedup_over_eager"),
    (FUSED, "compile", "speedup_over_compile"),
    (FUSED_AS_GRAPH, "compile-cudagraphs", "speedup_over_compile_cudagraphs"),
)
"""Ours, the baseline that is launched alike, and the column of their ratio."""


def roofline(measured: Measurements) -> Figure | Missing:
    """Bandwidth over size, as a share of that of a copy that moves as many bytes."""
    data = measured.kernel_timings
    if data.loc[data["provider"] == FUSED, "copy_share"].isna().all():
        return Missing(ROOFLINE_TITLE, NOT_TIMED)
    return Figure(
        slug="kernel-roofline",
        title=ROOFLINE_TITLE,
        finding=_roofline_finding(data),
        note="Time of a copy of the bytes that any implementation must move, over its own time: "
        f"medians of {int(data['repeats'].max())} repeats, quartiles as bars. The line at 100 % "
        f"is that copy, the memory limit. {SHAPE_NOTE} On "
        f"{machine(measured.kernel_environment, gpu_only=True)}.",
        alt="Line charts of bandwidth over size as a share of that of a copy, a panel a dtype and "
        "pass.",
        data=data,
        draw=partial(draw_panels, data=data, panel=_draw_bandwidths, value="% of a copy's GB/s"),
        wide=True,
    )


def speed_ups(measured: Measurements) -> Figure | Missing:
    """Time of each baseline over that of the fused kernel, over size."""
    timed = measured.kernel_timings
    parts = [
        timed.loc[timed["provider"] == ours, [*SHAPE, "dtype", "phase"]].assign(
            ours=ours, baseline=baseline, speedup=timed[column]
        )
        for ours, baseline, column in COMPARISONS
    ]
    data = pd.concat(parts, ignore_index=True).dropna(subset=["speedup"])
    if data.empty:
        return Missing(SPEED_UP_TITLE, NOT_TIMED)
    return Figure(
        slug="kernel-speed-up",
        title=SPEED_UP_TITLE,
        finding=_speed_up_finding(data),
        note="Median time of the baseline over that of the fused kernel: above 1 the fused kernel "
        "is faster. CUDA graphs are compared with CUDA graphs; compiled code computes in float32. "
        f"{SHAPE_NOTE} On {machine(measured.kernel_environment, gpu_only=True)}.",
        alt="Line charts of speed-up over size with a line at 1, a panel a dtype and pass.",
        data=data,
        draw=partial(draw_panels, data=data, panel=_draw_speed_ups, value="times faster"),
        wide=True,
    )


def memory(measured: Measurements) -> Figure | Missing:
    """Bytes an element that each implementation keeps for backward, at the largest size."""
    data = measured.kernel_timings.dropna(subset=["kept_bytes"])
    data = data[data["provider"].isin(list(LINES)) & (data["phase"] == "both")]
    if data.empty:
        return Missing(MEMORY_TITLE, NOT_TIMED)
    data = data.assign(elements=data["rows"] * data["latent_dim"])
    largest = data.nlargest(1, "elements")[SHAPE]
    data = data.merge(largest, on=SHAPE)
    data = data[[*SHAPE, "dtype", "provider", "kept_bytes", "peak_memory_bytes"]].assign(
        kept_bytes_per_element=data["kept_bytes"] / data["elements"],
        peak_bytes_per_element=data["peak_memory_bytes"] / data["elements"],
    )
    return Figure(
        slug="kernel-memory",
        title=MEMORY_TITLE,
        finding=_memory_finding(data),
        note="Left: kept from forward to backward beyond mu and logvar. Right: the most that "
        "forward and backward need at once beyond their inputs. At "
        f"{shape_name(*largest.iloc[0])}, the largest size measured.",
        alt="Bars of bytes an element, kept for backward and at the peak, by implementation.",
        data=data,
        draw=partial(_draw_memory, data=data),
        wide=True,
    )


def _roofline_finding(data: pd.DataFrame) -> str:
    where, rows = large_shapes(data[data["phase"] != "both"].dropna(subset=["copy_share"]))
    least = rows[rows["provider"] == FUSED].groupby("dtype", sort=False)["copy_share"].min()
    shares = [f"{wording.percent(share)} in {dtype}" for dtype, share in least.items()]
    copied = rows.loc[rows["provider"] == COPY, "floor_gb_per_s"].median()
    return (
        f"{where}, forward and backward each reach at least {' and '.join(shares)} of the "
        f"bandwidth of a copy, {wording.number(copied)} GB/s."
    )


def _speed_up_finding(data: pd.DataFrame) -> str:
    where, rows = large_shapes(data[data["phase"] == "both"])
    parts = []
    for baseline, compared in rows.groupby("baseline", sort=False):
        least = compared.groupby("dtype", sort=False)["speedup"].min()
        times = [f"{wording.number(ratio)}× in {dtype}" for dtype, ratio in least.items()]
        parts.append(f"over {LINES[str(baseline)].label} at least {' and '.join(times)}")
    worst = data.nsmallest(1, "speedup").iloc[0]
    return (
        f"{where}, forward and backward together: {'; '.join(parts)}. The smallest ratio anywhere "
        f"is {wording.number(worst['speedup'])}× over {LINES[worst['baseline']].label} "
        f"({PASSES[worst['phase']]}, {worst['dtype']}, {shape_name(*worst[SHAPE])})."
    )


def _memory_finding(data: pd.DataFrame) -> str:
    parts = []
    for dtype, rows in data.groupby("dtype", sort=False):
        kept = rows.set_index("provider")["kept_bytes_per_element"]
        said = [
            f"{LINES[name].label} {_bytes(kept[name])}"
            for name in (FUSED, "compile", "eager")
            if name in kept
        ]
        parts.append(f"{dtype} {', '.join(said)}")
    return f"Bytes an element kept for backward: {'; '.join(parts)}."


def _bytes(per_element: float) -> str:
    return "< 0.01" if per_element < 0.01 else wording.number(per_element, 2)


def _draw_bandwidths(ax: Axes, theme: Theme, data: pd.DataFrame) -> None:
    ax.axhline(100.0, color=theme.ink, linewidth=1.0)
    for provider, line in LINES.items():
        rows = data[data["provider"] == provider]
        if rows.empty:
            continue
        percent = 100 * rows["copy_share"]
        summary = pd.DataFrame(
            {
                "mean": percent,
                "low": percent * rows["median_ms"] / rows["upper_quartile_ms"],
                "high": percent * rows["median_ms"] / rows["lower_quartile_ms"],
            }
        )
        draw_estimates(
            ax,
            rows["position"].to_numpy(),
            summary,
            colour=line.colour,
            marker=line.marker,
            label=line.label,
            line=line.style,
        )
    ax.set_ylim(bottom=0)


def _draw_speed_ups(ax: Axes, theme: Theme, data: pd.DataFrame) -> None:
    ax.axhline(1.0, color=theme.ink, linewidth=1.0)
    for ours, baseline, _ in COMPARISONS:
        line = LINES[baseline]
        rows = data[data["baseline"] == baseline]
        ax.plot(
            rows["position"],
            rows["speedup"],
            color=line.colour,
            marker=line.marker,
            linestyle=line.style,
            label=f"{LINES[ours].label} over {line.label}",
        )
    set_log_values(ax)


def _draw_memory(theme: Theme, data: pd.DataFrame) -> Canvas:
    names = [name for name in LINES if (data["provider"] == name).any()]
    dtypes = list(dict.fromkeys(data["dtype"]))
    height = 0.9 / len(dtypes)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, 1.3 + 0.5 * len(names)), layout="constrained")
    panels = canvas.subplots(1, 2, sharey=True)
    for ax, column, label in (
        (panels[0], "kept_bytes_per_element", "bytes an element kept for backward"),
        (panels[1], "peak_bytes_per_element", "bytes an element at the peak"),
    ):
        for index, dtype in enumerate(dtypes):
            values = data[data["dtype"] == dtype].set_index("provider")[column].reindex(names)
            places = np.arange(len(names)) + (index - (len(dtypes) - 1) / 2) * height
            bars = ax.barh(
                places,
                values,
                0.85 * height,
                color=SERIES[index % len(SERIES)],
                hatch=("", "//", "..")[index % 3],
                edgecolor=theme.background,
                label=dtype,
            )
            texts = ["" if np.isnan(value) else _bytes(value) for value in values]
            ax.bar_label(bars, texts, padding=3, fontsize=9)
        ax.set_xlabel(label)
        ax.margins(x=0.12)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        ax.grid(visible=False, axis="y")
    panels[0].set_yticks(range(len(names)), [LINES[name].label for name in names])
    panels[0].invert_yaxis()
    legend_below(canvas)
    return canvas
