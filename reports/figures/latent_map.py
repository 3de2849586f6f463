"""The map of a two-dimensional latent space, and what the points between codes decode to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.scatter import RADIUS, RADIUS_MASS, draw_codes, number_classes
from reports.figures.tiles import centres, name_columns, show, side_by_side, tile
from reports.showcase import showcase
from reports.study import Configuration
from reports.sweep import SamplesError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

TITLE = "How does a two-dimensional latent space arrange the classes, and what lies between?"


@dataclass(frozen=True, slots=True)
class Map:
    """Codes [n, 2] with labels [n], and decoded points [g, 2] in the gaps between them.

    `real` says of each decoded point whether it lies among real images; None if nobody asked.
    """

    codes: NDArray[Any]
    labels: NDArray[Any]
    gaps: NDArray[Any]
    images: NDArray[Any]
    real: NDArray[Any] | None


@from_pictures(TITLE)
def latent_map(study: Study) -> Figure | Missing:
    """Codes of test images in two dimensions, AE beside VAE, and the gaps decoded."""
    maps: dict[str, Map] = {}
    frames = []
    for run in showcase(study, latent_dim=2).values():
        name = Configuration.of(run).name
        maps[name] = _map(study, run["run_id"])
        frames.append(_table(maps[name]).assign(run_id=run["run_id"], configuration=name))
    if not maps:
        return Missing(TITLE, "no run has two latent dimensions")
    return Figure(
        slug="latent-map",
        title=TITLE,
        finding=_finding(maps),
        note="Posterior means of test images, coloured and numbered by label. The circle holds "
        f"{wording.percent(RADIUS_MASS)} of N(0, I). Letters: midpoints of pairs of codes that lie "
        "farthest from every code, decoded below.",
        alt="Scatter plots of codes in the plane, one for each model, and decoded points.",
        data=pd.concat(frames, ignore_index=True),
        draw=partial(_draw, maps=maps),
        wide=True,
        pictorial=True,
    )


def _map(study: Study, run_id: str) -> Map:
    codes, labels, gaps, images = study.sweep.arrays(
        run_id, "codes", "code_labels", "gaps", "gap_images"
    )
    try:
        (real,) = study.sweep.arrays(run_id, "gaps_in_manifold")
    except SamplesError:  # too few test images to say what is among them
        real = None
    return Map(codes, labels, gaps, images, real)


def _table(found: Map) -> pd.DataFrame:
    codes = pd.DataFrame(found.codes[:, :2], columns=["z1", "z2"]).assign(label=found.labels)
    gaps = pd.DataFrame(found.gaps[:, :2], columns=["z1", "z2"])
    gaps["gap"] = list(ascii_uppercase[: len(gaps)])
    if found.real is not None:
        gaps["among_real_images"] = found.real
    return pd.concat([codes, gaps], ignore_index=True)


def _finding(maps: dict[str, Map]) -> str:
    parts = []
    for name, found in maps.items():
        inside = float((np.linalg.norm(found.codes[:, :2], axis=1) < RADIUS).mean())
        spread = " and ".join(wording.number(v, 2) for v in found.codes[:, :2].std(axis=0))
        part = (
            f"{name}: {wording.percent(inside)} of codes lie in the circle, standard deviations "
            f"{spread}"
        )
        if found.real is not None:
            part += (
                f"; of {len(found.real)} points between codes {int(found.real.sum())} decode to "
                "what lies among real images"
            )
        parts.append(part)
    return f"{'. '.join(parts)}."


def _draw(theme: Theme, maps: dict[str, Map]) -> Canvas:
    canvas = side_by_side(6.1)
    grid = canvas.add_gridspec(2, len(maps), height_ratios=[5.2, 0.9])
    for column, (name, found) in enumerate(maps.items()):
        ax = canvas.add_subplot(grid[0, column])
        draw_codes(ax, theme, found.codes, found.labels)
        number_classes(ax, theme, found.codes, found.labels, found.gaps)
        ax.set_title(wording.figure_text(name))
        _mark_gaps(ax, theme, found.gaps)
        _draw_gaps(canvas.add_subplot(grid[1, column]), theme, found.images)
    return canvas


def _mark_gaps(ax: Axes, theme: Theme, gaps: NDArray[Any]) -> None:
    for letter, (x, y) in zip(ascii_uppercase, gaps[:, :2].tolist(), strict=False):
        ax.plot(
            [x], [y], marker="o", markersize=12, color=theme.background, markeredgecolor=theme.ink
        )
        ax.text(x, y, letter, fontsize=8.5, ha="center", va="center_baseline")


def _draw_gaps(ax: Axes, theme: Theme, images: NDArray[Any]) -> None:
    show(ax, tile(images, len(images), theme.grid), theme)
    name_columns(ax, ascii_uppercase[: len(images)], centres(len(images), images.shape[2]))
