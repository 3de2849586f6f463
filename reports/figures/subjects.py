"""What was timed, as lines of a chart: objective, device, dtype and engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from reports import wording
from reports.figures.axes import draw_estimates
from reports.study import AE
from reports.style import AUTOENCODER, MARKERS, weight_colours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

SUBJECT = ["objective", "device", "dtype", "engine"]
MOST_SUBJECTS = 8
DODGE = 1.04
MOST_DODGE = 1.15
LINES = ("-", "--", ":", "-.")


def name_subjects(data: pd.DataFrame) -> pd.DataFrame:
    """Add `subject`: the objective, and of the rest what varies in `data`."""
    names = data["objective"].map(wording.family)
    for column in SUBJECT[1:]:
        if len(set(data[column])) > 1:
            names = names + ", " + data[column]
    return data.assign(subject=names)


def keep_most(data: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Keep as many subjects as a chart holds; the second is a sentence on the rest, or ""."""
    names = list(dict.fromkeys(data["subject"]))
    kept = data[data["subject"].isin(names[:MOST_SUBJECTS])]
    left_out = len(names) > MOST_SUBJECTS
    return kept, f" {MOST_SUBJECTS} of {len(names)} lines drawn." if left_out else ""


def held(data: pd.DataFrame) -> str:
    """Say what all rows share, ` All on cpu, float32, eager.`, or ""."""
    levels = [set(data[column]) for column in SUBJECT[1:]]
    shared = [level for found in levels if len(found) == 1 for level in found if level]
    return f" All on {', '.join(shared)}." if shared else ""


def draw_subjects(
    ax: Axes, data: pd.DataFrame, size: str, value: str, spread: tuple[str, str] | None = None
) -> None:
    """Draw `value` over `size`, one line a subject, with bars where a `spread` is named.

    An objective has its colour, everything else of a subject its line; the marker is its own.
    """
    styled = list(_styled(data))
    step = min(DODGE, MOST_DODGE ** (1 / max(len(styled) - 1, 1))) if spread else 1.0
    low, high = spread or (value, value)
    for index, (name, colour, line, rows) in enumerate(styled):
        draw_estimates(
            ax,
            rows[size].to_numpy(dtype=float) * step ** (index - (len(styled) - 1) / 2),
            pd.DataFrame({"mean": rows[value], "low": rows[low], "high": rows[high]}),
            colour=colour,
            marker=MARKERS[index % len(MARKERS)],
            label=wording.figure_text(name),
            line=line,
        )


def _styled(data: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    objectives = list(dict.fromkeys(data["objective"]))
    regularised = [name for name in objectives if name != AE]
    colours = dict(zip(regularised, weight_colours(len(regularised)), strict=True))
    colours[AE] = AUTOENCODER
    places: list[tuple[str, ...]] = []
    for name, rows in data.groupby("subject", sort=False):
        objective, *place = rows[SUBJECT].iloc[0]
        if tuple(place) not in places:
            places.append(tuple(place))
        line = LINES[places.index(tuple(place)) % len(LINES)]
        yield str(name), colours[objective], line, rows
