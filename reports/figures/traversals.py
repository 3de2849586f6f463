"""One image decoded while one latent dimension after another is walked through."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.tiles import centres, name_rows, show, side_by_side, tile
from reports.showcase import showcase
from reports.study import Configuration, records

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

TITLE = "What does each latent dimension change in an image?"


@from_pictures(TITLE)
def traversals(study: Study) -> Figure | Missing:
    """Walks along the dimensions that carry most, for the AE and the VAE."""
    panels: dict[str, tuple[NDArray[Any], list[str]]] = {}
    frames = []
    for run in showcase(study).values():
        walks, facts = _walks(study, run)
        panels[Configuration.of(run).name] = (walks, facts["label"].tolist())
        frames.append(facts)
    data = pd.concat(frames, ignore_index=True)
    return Figure(
        slug="traversals",
        title=TITLE,
        finding=_finding(data),
        note="Each row walks one latent dimension of the code of one test image, the others held. "
        "VAE: from −2.5 to 2.5, where N(0, 1) lies, sorted by rate. AE: 2.5 standard deviations of "
        "its codes to either side of their mean, sorted by variance.",
        alt="Rows of decoded images, one row a latent dimension, for each model.",
        data=data.drop(columns="label"),
        draw=partial(_draw, panels=panels),
        wide=True,
        pictorial=True,
    )


def _walks(study: Study, run: dict[str, Any]) -> tuple[NDArray[Any], pd.DataFrame]:
    walks, dimensions, values = study.sweep.arrays(
        run["run_id"], "traversals", "traversal_dimensions", "traversal_values"
    )
    has_rate = pd.notna(run["test_rate_nats"])
    measure, unit = ("rate_nats", " nats") if has_rate else ("variance", "")
    array = "rate_per_dimension" if has_rate else "mean_variance"
    (carried,) = study.sweep.arrays(run["run_id"], array)
    decoded = walks.reshape(*walks.shape[:2], -1) / 255.0
    facts = pd.DataFrame(
        {
            "run_id": run["run_id"],
            "configuration": Configuration.of(run).name,
            "family": run["family"],
            "dimension": dimensions,
            "from": values[:, 0],
            "to": values[:, -1],
            measure: carried[dimensions],
            "pixel_change": np.abs(decoded[:, -1] - decoded[:, 0]).mean(axis=-1),
        }
    )
    facts["label"] = [
        f"z{dimension + 1}\n{wording.number(carried[dimension], 2)}{unit}"
        for dimension in dimensions.tolist()
    ]
    return walks, facts


def _finding(data: pd.DataFrame) -> str:
    parts = []
    for name, rows in data.groupby("configuration", sort=False):
        ends = records(rows.iloc[[0, -1]]) if len(rows) > 1 else records(rows)
        changes = [
            f"z{row['dimension'] + 1} by {wording.number(row['pixel_change'], 2)}" for row in ends
        ]
        parts.append(f"{name}: {' and '.join(changes)}")
    return (
        "The mean pixel, of 0 to 1, changes from end to end, in the first and the last row shown: "
        f"{'; '.join(parts)}."
    )


def _draw(theme: Theme, panels: dict[str, tuple[NDArray[Any], list[str]]]) -> Canvas:
    sheets = [
        tile(walks.reshape(-1, *walks.shape[2:]), walks.shape[1], theme.grid)
        for walks, _ in panels.values()
    ]
    tallest = max(sheet.shape[0] / sheet.shape[1] for sheet in sheets)
    canvas = side_by_side(0.4 + 3.9 * tallest)
    axes = canvas.subplots(1, len(panels), squeeze=False)[0]
    for ax, sheet, (name, (walks, labels)) in zip(axes, sheets, panels.items(), strict=True):
        show(ax, sheet, theme, wording.figure_text(name))
        name_rows(ax, labels, centres(len(labels), walks.shape[2]))
    return canvas
