"""Decoded N(0, I) samples and straight-line interpolations, AE beside VAE."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.tiles import show, side_by_side, tile
from reports.showcase import showcase
from reports.study import Configuration, records

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

SAMPLES_TITLE = "What does N(0, I) decode to?"
INTERPOLATION_TITLE = "What lies on the straight line between two codes?"
QUALITY = ("prior_precision", "prior_coverage", "prior_frechet")


@from_pictures(SAMPLES_TITLE)
def decoded_samples(study: Study) -> Figure | Missing:
    """64 decoded N(0, I) draws of the AE and of the VAE."""
    sheets, facts = {}, []
    for run in showcase(study).values():
        name = Configuration.of(run).name
        (sheets[name],) = study.sweep.arrays(run["run_id"], "prior_samples")
        facts.append(
            {"run_id": run["run_id"], "configuration": name, "seed": run["seed"]}
            | {column: run[column] for column in QUALITY}
        )
    data = pd.DataFrame(facts)
    return Figure(
        slug="decoded-samples",
        title=SAMPLES_TITLE,
        finding=_samples_finding(data),
        note=f"Not chosen: the first {max(len(images) for images in sheets.values())} draws, seed "
        f"{int(data['seed'].iloc[0])}.",
        alt="Sheets of images decoded from N(0, I), one for each model.",
        data=data,
        draw=partial(_draw_sheets, sheets=sheets),
        wide=True,
        pictorial=True,
    )


@from_pictures(INTERPOLATION_TITLE)
def interpolations(study: Study) -> Figure | Missing:
    """Decoded straight paths between codes of different classes, for the AE and the VAE."""
    sheets, facts = {}, []
    for run in showcase(study).values():
        name = Configuration.of(run).name
        (paths,) = study.sweep.arrays(run["run_id"], "interpolations")
        sheets[name] = paths
        facts.append(
            {
                "run_id": run["run_id"],
                "configuration": name,
                "seed": run["seed"],
                "interpolation_evenness": run["interpolation_evenness"],
                "evenness_of_paths_shown": evenness(paths),
            }
        )
    data = pd.DataFrame(facts)
    measured = data["interpolation_evenness"].notna().all()
    column = "interpolation_evenness" if measured else "evenness_of_paths_shown"
    found = ", ".join(
        f"{row['configuration']}: {wording.number(row[column])}" for row in records(data)
    )
    return Figure(
        slug="interpolations",
        title=INTERPOLATION_TITLE,
        finding=f"Evenness of the steps {'over all measured paths' if measured else 'shown'}, mean "
        f"step over largest step (1 is even): {found}.",
        note="Each row runs between the codes of two test images of different classes.",
        alt="Rows of decoded images, each morphing from one digit to another.",
        data=data,
        draw=partial(_draw_paths, sheets=sheets),
        wide=True,
        pictorial=True,
    )


def evenness(paths: NDArray[Any]) -> float:
    """Mean over paths [n, steps, …] of the mean decoded step over the largest, in (0, 1]."""
    flat = paths.reshape(*paths.shape[:2], -1).astype(float)
    steps = np.linalg.norm(np.diff(flat, axis=1), axis=-1)
    moving = steps[steps.max(axis=1) > 0]
    return float((moving.mean(axis=1) / moving.max(axis=1)).mean()) if len(moving) else np.nan


def _samples_finding(data: pd.DataFrame) -> str:
    parts = []
    for row in records(data):
        if pd.isna(row["prior_coverage"]):
            continue
        parts.append(
            f"samples of {row['configuration']} cover {wording.percent(row['prior_coverage'])} of "
            f"the test images, and {wording.percent(row['prior_precision'])} of them lie among "
            "real ones"
        )
    if not parts:
        return "Sample quality was not measured."
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _draw_sheets(theme: Theme, sheets: dict[str, NDArray[Any]]) -> Canvas:
    canvas = side_by_side(5.1)
    panels = canvas.subplots(1, len(sheets), squeeze=False)[0]
    for ax, (name, images) in zip(panels, sheets.items(), strict=True):
        columns = int(np.ceil(np.sqrt(len(images))))
        show(ax, tile(images, columns, theme.grid), theme, wording.figure_text(name))
    return canvas


def _draw_paths(theme: Theme, sheets: dict[str, NDArray[Any]]) -> Canvas:
    canvas = side_by_side(2.7)
    panels = canvas.subplots(1, len(sheets), squeeze=False)[0]
    for ax, (name, paths) in zip(panels, sheets.items(), strict=True):
        images = paths.reshape(-1, *paths.shape[2:])
        sheet = tile(images, paths.shape[1], theme.grid)
        show(ax, sheet, theme, wording.figure_text(name))
    return canvas
