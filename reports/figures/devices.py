"""Whether two devices give the same results, run by run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.figure import Figure, Missing
from reports.metrics import METRICS
from reports.study import CONFIGURATION, HELD_AXES, with_family
from reports.style import HALF_WIDTH_INCHES, weight_colours

if TYPE_CHECKING:
    from reports.study import Study
    from reports.style import Theme

TITLE = "Do the devices give the same results?"
COMPARED = ("test_mse", "test_rate_nats", "probe_linear_accuracy", "prior_coverage")
LANES = 7


def device_agreement(study: Study) -> Figure | Missing:
    """Differences between the two devices with the most runs, paired by configuration and seed."""
    runs = with_family(study.sweep.runs[study.sweep.runs["status"] == "ok"])
    devices = sorted(runs["device"].value_counts().index[:2])
    if len(devices) < 2:
        return Missing(TITLE, "runs finished on one device only")
    first, second = devices
    data = _differences(runs, first, second)
    if data.empty:
        return Missing(TITLE, "no configuration finished on two devices with one seed")
    return Figure(
        slug="device-agreement",
        title=TITLE,
        finding=_finding(data, first, second),
        note=f"Each point is one configuration and seed: {second} {wording.MINUS} {first}, in "
        "per cent of the metric's mean.",
        alt="Strip chart of differences between devices, one row a metric, around a zero line.",
        data=data,
        draw=partial(_draw, data=data),
    )


def _differences(runs: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    keys = [*CONFIGURATION, "seed", *(axis for axis in HELD_AXES if axis != "device")]
    pairs = runs[runs["device"] == first].merge(
        runs[runs["device"] == second], on=keys, suffixes=("_a", "_b")
    )
    frames = []
    for column in COMPARED:
        a, b = pairs[f"{column}_a"], pairs[f"{column}_b"]
        found = pairs[[*CONFIGURATION, "seed"]].assign(
            metric=METRICS[column].label, difference_percent=100 * (b - a) / a.abs().mean()
        )
        frames.append(found.dropna(subset=["difference_percent"]))
    return pd.concat(frames, ignore_index=True)


def _finding(data: pd.DataFrame, first: str, second: str) -> str:
    parts = []
    for metric, rows in data.groupby("metric", sort=False):
        size = rows["difference_percent"].abs()
        parts.append(
            f"{metric} {wording.number(size.median(), 2)} % (at most "
            f"{wording.number(size.max(), 2)} %)"
        )
    return f"Median difference between {first} and {second}: {', '.join(parts)}."


def _draw(theme: Theme, data: pd.DataFrame) -> Canvas:
    metrics = list(dict.fromkeys(data["metric"]))
    canvas = Canvas(figsize=(HALF_WIDTH_INCHES, 1.0 + 0.6 * len(metrics)), layout="constrained")
    ax = canvas.subplots()
    ax.axvline(0, color=theme.ink, linewidth=1.0)
    for row, metric in enumerate(metrics):
        values = data.loc[data["metric"] == metric, "difference_percent"].to_numpy()
        lanes = (np.arange(len(values)) % LANES - LANES // 2) / (2.5 * LANES)
        ax.plot(
            values,
            row + lanes,
            linestyle="",
            marker="o",
            markersize=4,
            alpha=0.7,
            color=weight_colours(3)[1],
        )
    ax.set_yticks(range(len(metrics)), metrics)
    ax.set_ylim(len(metrics) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("difference [% of the mean]")
    return canvas
