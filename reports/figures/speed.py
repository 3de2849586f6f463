"""Throughput of training, encoding and decoding, measured apart from the sweep."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import legend_below, set_latent_axis, set_log_values
from reports.figures.figure import Figure, Missing
from reports.study import records
from reports.style import AUTOENCODER, FULL_WIDTH_INCHES, HALF_WIDTH_INCHES, MARKERS, weight_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.study import Study
    from reports.style import Theme

TITLE = "How many samples per second on each device?"
PHASES = ("train", "encode", "decode")
MOST_SERIES = 8
DODGE = 1.05
SERIES = ["objective", "device", "batch_size"]


def throughput(study: Study) -> Figure | Missing:
    """Samples per second over latent dimension, one line an objective and device."""
    measured = study.sweep.throughput.dropna(subset=["samples_per_s", "latent_dim"])
    measured = measured[measured["phase"].isin(PHASES)]
    if measured.empty:
        return Missing(TITLE, "throughput was not measured")
    data = (
        measured.groupby([*SERIES, "phase", "latent_dim"], dropna=False)["samples_per_s"]
        .agg(median="median", slowest="min", fastest="max", repeats="count")
        .reset_index()
    )
    series = data["objective"] + " " + data["device"]
    names = sorted(series.unique())
    data = data[series.isin(names[:MOST_SERIES])]
    note = (
        f"Median of {int(data['repeats'].max())} repeats after warm-up; bars from the slowest to "
        "the fastest repeat."
    )
    if len(names) > MOST_SERIES:
        note += f" {MOST_SERIES} of {len(names)} series drawn."
    return Figure(
        slug="throughput",
        title=TITLE,
        finding=_finding(data),
        note=note,
        alt="Line charts of samples per second over latent dimension, one panel a phase.",
        data=data,
        draw=partial(_draw, data=data),
        wide=len(set(data["phase"])) > 2,
    )


def _finding(data: pd.DataFrame) -> str:
    rows = data[data["phase"] == "train"]
    rows = rows if len(rows) else data
    phase = str(rows["phase"].iloc[0])
    dims = sorted(rows["latent_dim"].unique())
    dim = dims[len(dims) // 2]
    parts = [
        f"{wording.family(str(row['objective']))} on {row['device']} "
        f"{wording.number(row['median'])} samples/s"
        for row in records(rows[rows["latent_dim"] == dim].head(4))
    ]
    verb = {"train": "training", "encode": "encoding", "decode": "decoding"}[phase]
    return f"At latent dimension {dim:g}, {verb}: {', '.join(parts)}."


def _draw(theme: Theme, data: pd.DataFrame) -> Canvas:
    phases = [phase for phase in PHASES if (data["phase"] == phase).any()]
    width = FULL_WIDTH_INCHES if len(phases) > 2 else HALF_WIDTH_INCHES
    canvas = Canvas(figsize=(width, 3.8), layout="constrained")
    panels = canvas.subplots(1, len(phases), squeeze=False, sharey=True)[0]
    dims = sorted(data["latent_dim"].unique().tolist())
    for ax, phase in zip(panels, phases, strict=True):
        _draw_phase(ax, theme, data[data["phase"] == phase])
        ax.set_title(_phase_title(phase, data))
        set_latent_axis(ax, dims)
    set_log_values(panels[0])
    panels[0].set_ylabel("samples per second")
    legend_below(canvas, 4)
    return canvas


def _phase_title(phase: str, data: pd.DataFrame) -> str:
    batches = data.loc[data["phase"] == phase, "batch_size"].dropna().unique()
    return f"{phase}, batch {batches[0]:g}" if len(batches) == 1 else phase


def _draw_phase(ax: Axes, theme: Theme, data: pd.DataFrame) -> None:
    devices = sorted(data["device"].unique())
    several_batches = len(set(data["batch_size"])) > 1
    for index, (key, rows) in enumerate(data.groupby(SERIES, dropna=False)):
        objective, device, batch_size = key
        colour = AUTOENCODER if objective == "ae" else weight_colours(3)[1]
        label = f"{wording.family(str(objective))}, {device}"
        if several_batches:
            label += f", batch {batch_size:g}"
        dims, slowest, median, fastest = (
            rows[["latent_dim", "slowest", "median", "fastest"]].to_numpy(dtype=float).T
        )
        ax.errorbar(
            dims * DODGE**index,
            median,
            yerr=np.vstack([median - slowest, fastest - median]),
            color=colour,
            marker=MARKERS[index % len(MARKERS)],
            linestyle=("-", "--", ":", "-.")[devices.index(device) % 4],
            label=wording.figure_text(label),
            elinewidth=1.1,
        )
