"""The best, the median and the worst reconstructions of an AE and of a VAE of its size."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.tiles import as_colour, centres, name_columns, name_rows, show, tile
from reports.showcase import showcase
from reports.study import AE, Configuration
from reports.style import FULL_WIDTH_INCHES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

TITLE = "What do the best, the median and the worst reconstructions look like?"
GROUPS = ("best", "median", "worst")
LARGEST_TILE_INCHES = 0.7


@from_pictures(TITLE)
def reconstructions(study: Study) -> Figure | Missing:
    """Test images above their reconstructions, by squared error, for each of the runs shown."""
    rows: dict[str, NDArray[Any]] = {}
    frames, said = [], []
    for run in showcase(study).values():
        originals, decoded, mse = study.sweep.arrays(
            run["run_id"], "ranked_originals", "ranked_reconstructions", "ranked_mse"
        )
        name = "AE" if run["family"] == AE else wording.family(run["family"])
        rows[f"test image\n{name}"] = np.stack([as_colour(originals), as_colour(decoded)])
        frame = pd.DataFrame({"mse": mse, "group": _groups(len(mse))})
        frames.append(frame.assign(run_id=run["run_id"], configuration=Configuration.of(run).name))
        means = frame.groupby("group")["mse"].mean()
        numbers = [f"{group} {wording.number(means[group])}" for group in GROUPS if group in means]
        said.append(f"{Configuration.of(run).name}: {', '.join(numbers)}")
    data = pd.concat(frames, ignore_index=True)
    return Figure(
        slug="reconstructions",
        title=TITLE,
        finding=f"Mean squared error of the images shown. {'; '.join(said)}.",
        note="Of all test images, ordered by squared error, decoded from the posterior mean. The "
        "VAE shown is the one whose worst rank over the purposes is best.",
        alt="Rows of test images above their reconstructions, in three groups.",
        data=data,
        draw=partial(_draw, rows=rows),
        wide=True,
        pictorial=True,
    )


def _groups(count: int) -> list[str]:
    """Name the group of each of `count` ranked images: thirds, as they were kept."""
    return [GROUPS[min(3 * index // max(count, 1), 2)] for index in range(count)]


def _draw(theme: Theme, rows: dict[str, NDArray[Any]]) -> Canvas:
    images = np.concatenate(list(rows.values()))
    count, size = images.shape[1], images.shape[2]
    sheet = tile(images.reshape(-1, *images.shape[2:]), count, theme.grid)
    width = min(LARGEST_TILE_INCHES * count, FULL_WIDTH_INCHES - 1)
    height = width * sheet.shape[0] / sheet.shape[1]
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height + 0.5), layout="constrained")
    ax = canvas.subplots()
    show(ax, sheet, theme)
    down, across = centres(len(images), size), centres(count, images.shape[3])
    names = chain.from_iterable(name.split("\n") for name in rows)
    name_rows(ax, map(wording.figure_text, names), down)
    groups = np.array(_groups(count))
    for edge in np.flatnonzero(groups[1:] != groups[:-1]):
        ax.axvline(float(across[edge : edge + 2].mean()), color=theme.muted, linewidth=1.2)
    shown = list(dict.fromkeys(groups.tolist()))
    name_columns(ax, shown, [float(across[groups == group].mean()) for group in shown])
    return canvas
