"""The two-dimensional latent plane, decoded on a grid."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.tiles import side_by_side, tile
from reports.showcase import showcase
from reports.study import Configuration, records

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

TITLE = "What does each point of the plane decode to?"


@from_pictures(TITLE)
def manifold(study: Study) -> Figure | Missing:
    """The plane decoded on a grid, AE beside VAE."""
    panels, facts = {}, []
    for run in showcase(study, latent_dim=2).values():
        grid, ticks = study.sweep.arrays(run["run_id"], "manifold", "manifold_axes")
        name = Configuration.of(run).name
        panels[name] = (grid, ticks)
        facts.append(
            {
                "run_id": run["run_id"],
                "configuration": name,
                "largest_step_over_mean_step": roughness(grid),
            }
        )
    if not panels:
        return Missing(TITLE, "no run has two latent dimensions")
    data = pd.DataFrame(facts)
    found = ", ".join(
        f"{row['configuration']}: {wording.number(row['largest_step_over_mean_step'], 2)} times"
        for row in records(data)
    )
    return Figure(
        slug="manifold",
        title=TITLE,
        finding=f"The largest change between neighbours against the mean change: {found}.",
        note="Decoded grid; the axes give the latent coordinates.",
        alt="Grids of decoded images over the two latent axes, one for each model.",
        data=data,
        draw=partial(_draw_manifolds, panels=panels),
        wide=True,
        pictorial=True,
    )


def roughness(grid: NDArray[Any]) -> float:
    """Largest over mean distance between neighbours of a decoded grid [rows, columns, …]."""
    flat = grid.reshape(*grid.shape[:2], -1).astype(float)
    steps = np.concatenate(
        [np.linalg.norm(np.diff(flat, axis=axis), axis=-1).ravel() for axis in (0, 1)]
    )
    return float(steps.max() / steps.mean()) if steps.size and steps.mean() > 0 else np.nan


def _draw_manifolds(theme: Theme, panels: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> Canvas:
    canvas = side_by_side(5.1)
    axes = canvas.subplots(1, len(panels), squeeze=False)[0]
    for ax, (name, (grid, ticks)) in zip(axes, panels.items(), strict=True):
        images = grid.reshape(-1, *grid.shape[2:])
        sheet = tile(images, grid.shape[1], theme.grid)
        edges = [_outer(ticks[0]), _outer(ticks[1])]
        ax.imshow(sheet, extent=(*edges[0], *edges[1]), aspect="auto", interpolation="nearest")
        ax.set_box_aspect(sheet.shape[0] / sheet.shape[1])
        ax.grid(visible=False)
        ax.set_title(wording.figure_text(name))
        ax.set_xlabel("z1")
        ax.set_ylabel("z2")
    return canvas


def _outer(ticks: NDArray[Any]) -> tuple[float, float]:
    """Outer edges of the cells whose middles are `ticks`, evenly spaced."""
    half = float(ticks[-1] - ticks[0]) / (len(ticks) - 1) / 2 if len(ticks) > 1 else 0.5
    return float(ticks[0]) - half, float(ticks[-1]) + half
