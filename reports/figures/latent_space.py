"""The two-dimensional latent space: codes coloured by label, and the decoded plane."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.patches import Circle

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.tiles import side_by_side, tile
from reports.showcase import showcase
from reports.study import Configuration, records
from reports.style import MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

MAP_TITLE = "How does a two-dimensional latent space arrange the classes?"
MANIFOLD_TITLE = "What does each point of the plane decode to?"
RADIUS = 2.0
RADIUS_MASS = 1 - np.exp(-(RADIUS**2) / 2)
MOST_LABELS = 10


@from_pictures(MAP_TITLE)
def latent_map(study: Study) -> Figure | Missing:
    """Codes of test images in two dimensions, AE beside VAE, with the prior's circle."""
    panels, frames = {}, []
    for run in showcase(study, latent_dim=2).values():
        codes, labels = study.sweep.arrays(run["run_id"], "codes", "code_labels")
        name = Configuration.of(run).name
        panels[name] = (codes, labels)
        frames.append(
            pd.DataFrame({"z1": codes[:, 0], "z2": codes[:, 1], "label": labels}).assign(
                run_id=run["run_id"], configuration=name
            )
        )
    if not panels:
        return Missing(MAP_TITLE, "no run has two latent dimensions")
    return Figure(
        slug="latent-map",
        title=MAP_TITLE,
        finding=_map_finding(panels),
        note=f"Posterior means of test images, coloured and numbered by label. The circle holds "
        f"{wording.percent(RADIUS_MASS)} of N(0, I).",
        alt="Scatter plots of codes in the plane, one for each model, coloured by label.",
        data=pd.concat(frames, ignore_index=True),
        draw=partial(_draw_maps, panels=panels),
        wide=True,
        pictorial=True,
    )


@from_pictures(MANIFOLD_TITLE)
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
        return Missing(MANIFOLD_TITLE, "no run has two latent dimensions")
    data = pd.DataFrame(facts)
    found = ", ".join(
        f"{row['configuration']}: {wording.number(row['largest_step_over_mean_step'], 2)} times"
        for row in records(data)
    )
    return Figure(
        slug="manifold",
        title=MANIFOLD_TITLE,
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


def _map_finding(panels: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> str:
    parts = []
    for name, (codes, _) in panels.items():
        inside = float((np.linalg.norm(codes[:, :2], axis=1) < RADIUS).mean())
        spread = " and ".join(wording.number(value, 2) for value in codes[:, :2].std(axis=0))
        parts.append(
            f"{name}: {wording.percent(inside)} of codes lie in the circle, standard deviations "
            f"{spread}"
        )
    return f"{'; '.join(parts)}."


def _draw_maps(theme: Theme, panels: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> Canvas:
    canvas = side_by_side(4.9)
    axes = canvas.subplots(1, len(panels), squeeze=False)[0]
    for ax, (name, (codes, labels)) in zip(axes, panels.items(), strict=True):
        _draw_map(ax, theme, codes, labels)
        ax.set_title(wording.figure_text(name))
    return canvas


def _draw_map(ax: Axes, theme: Theme, codes: NDArray[Any], labels: NDArray[Any]) -> None:
    classes = np.unique(labels)
    for index, label in enumerate(classes.tolist()):
        chosen = codes[labels == label]
        colour = theme.labels[index % len(theme.labels)]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=13,
            color=colour,
            marker=MARKERS[index % len(MARKERS)],
            alpha=0.75,
            linewidths=0,
        )
    if 1 < len(classes) <= MOST_LABELS:
        for label in classes.tolist():
            x, y = np.median(codes[labels == label][:, :2], axis=0)
            text = ax.text(
                x, y, str(label), fontsize=14, fontweight="bold", ha="center", va="center"
            )
            text.set_path_effects(
                [patheffects.withStroke(linewidth=3, foreground=theme.background)]
            )
    ax.add_patch(
        Circle((0, 0), RADIUS, fill=False, edgecolor=theme.ink, linewidth=1.2, linestyle="--")
    )
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xlabel("z1")
    ax.set_ylabel("z2")


def _draw_manifolds(theme: Theme, panels: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> Canvas:
    canvas = side_by_side(5.1)
    axes = canvas.subplots(1, len(panels), squeeze=False)[0]
    for ax, (name, (grid, ticks)) in zip(axes, panels.items(), strict=True):
        images = grid.reshape(-1, *grid.shape[2:])
        sheet = tile(images, grid.shape[1], theme.background)
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
