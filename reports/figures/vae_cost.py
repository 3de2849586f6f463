"""What a VAE costs in time over an AE, paired repeat by repeat."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import draw_estimates, legend_below, set_log_values, set_size_axis
from reports.figures.figure import Figure, Missing
from reports.measurements import machine
from reports.style import FULL_WIDTH_INCHES, MARKERS, SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from reports.measurements import Measurements
    from reports.style import Theme

TITLE = "What does a VAE cost in time over an AE?"
STUDIES = {
    "latent": ("latent_dim", "latent dimension"),
    "batch": ("batch_size", "batch size"),
    "cohort": ("cohort_size", "models trained together"),
}
PHASES = ("train", "encode", "decode", "sample")
PLACE = ["device", "dtype", "engine"]
MOST_PLACES = 4
DODGE = 1.06


def vae_over_ae(measured: Measurements) -> Figure | Missing:
    """Ratio of times with its interval, over each size that was varied."""
    ratios = measured.vae_over_ae.dropna(subset=["ratio"])
    ratios = ratios[ratios["study"].isin(list(STUDIES)) & ratios["phase"].isin(PHASES)]
    if ratios.empty:
        return Missing(TITLE, "an AE and a VAE were not both timed")
    ratios = ratios.assign(place=ratios[PLACE].agg(", ".join, axis=1))
    places = list(dict.fromkeys(ratios["place"]))
    data = ratios[ratios["place"].isin(places[:MOST_PLACES])]
    left_out = f" {MOST_PLACES} of {len(places)} rows drawn." if len(places) > MOST_PLACES else ""
    return Figure(
        slug="vae-over-ae",
        title=TITLE,
        finding=_finding(data),
        note="Time of a VAE over that of an AE of the same size, paired repeat by repeat "
        f"({wording.plural(measured.repeat_count, 'repeat')}): geometric mean and 95 % interval; "
        f"1 is no cost. On {machine(measured.throughput_environment)}.{left_out}",
        alt="Dot charts of the ratio of times over latent dimension, batch size and number of "
        "models, around a line at 1.",
        data=data,
        draw=partial(_draw, data=data, places=places[:MOST_PLACES]),
        wide=True,
    )


def _finding(data: pd.DataFrame) -> str:
    """The middle size of the first study, each phase."""
    rows = data[data["study"] == data["study"].iloc[0]]
    where = rows["place"].iloc[0]
    rows = rows[rows["place"] == where]
    size, name = STUDIES[rows["study"].iloc[0]]
    sizes = sorted(rows[size].unique())
    middle = sizes[(len(sizes) - 1) // 2]
    parts = []
    for phase in PHASES:
        for ratio, low, high in rows.loc[
            (rows["phase"] == phase) & (rows[size] == middle), ["ratio", "ratio_low", "ratio_high"]
        ].itertuples(index=False):
            parts.append(f"{phase} {ratio:.2f} [{low:.2f}{wording.NO_VALUE}{high:.2f}]")
    return f"At {name} {middle:g} a VAE takes, times the AE ({where}): {', '.join(parts)}."


def _draw(theme: Theme, data: pd.DataFrame, places: list[str]) -> Canvas:
    studies = [study for study in STUDIES if (data["study"] == study).any()]
    height = 1.2 + 2.4 * len(places)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height), layout="constrained")
    panels = canvas.subplots(len(places), len(studies), squeeze=False, sharey=True)
    for (row, column), ax in np.ndenumerate(panels):
        size, name = STUDIES[studies[column]]
        here = data[data["study"] == studies[column]]
        sizes = sorted(here[size].unique().tolist())
        here = here[here["place"] == places[row]].sort_values(size)
        ax.axhline(1.0, color=theme.ink, linewidth=1.0)
        for index, phase in enumerate(PHASES):
            _draw_phase(ax, here[here["phase"] == phase], size, index)
        set_size_axis(ax, sizes, name)
    set_log_values(panels[0, 0])
    for ax, place in zip(panels[:, 0], places, strict=True):
        ax.set_ylabel(f"VAE / AE\n{place}")
    legend_below(canvas)
    return canvas


def _draw_phase(ax: Axes, rows: pd.DataFrame, size: str, index: int) -> None:
    if rows.empty:
        return
    draw_estimates(
        ax,
        rows[size].to_numpy(dtype=float) * DODGE ** (index - (len(PHASES) - 1) / 2),
        rows.rename(columns={"ratio": "mean", "ratio_low": "low", "ratio_high": "high"}),
        colour=SERIES[index],
        marker=MARKERS[index],
        label=PHASES[index],
        line="",
    )
