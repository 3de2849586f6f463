"""Many small images as one array, so that a grid of pictures is drawn at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas

from reports.style import FULL_WIDTH_INCHES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from reports.style import Theme

GAP_SHARE = 0.125


def as_colour(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey or colour images [n, H, W] or [n, H, W, 3] as [n, H, W, 3]."""
    if images.ndim == 3:
        return np.repeat(images[..., None], 3, axis=-1)
    if images.ndim == 4 and images.shape[-1] == 3:
        return images
    raise ValueError(f"images must be [n, H, W] or [n, H, W, 3], not {list(images.shape)}")


def tile(images: NDArray[np.uint8], columns: int, ground: str) -> NDArray[np.uint8]:
    """Lay images [n, H, W(, 3)] row by row on a sheet [height, width, 3] of the colour `ground`."""
    colour = as_colour(images)
    n, height, width, _ = colour.shape
    rows = -(-n // columns)
    space = max(1, round(GAP_SHARE * min(height, width)))
    sheet = np.empty(
        (rows * (height + space) - space, columns * (width + space) - space, 3), np.uint8
    )
    sheet[:] = np.round(255 * np.array(to_rgb(ground))).astype(np.uint8)
    for index, image in enumerate(colour):
        top = (index // columns) * (height + space)
        left = (index % columns) * (width + space)
        sheet[top : top + height, left : left + width] = image
    return sheet


def side_by_side(height_inches: float) -> Canvas:
    """Make a full-width canvas whose panels stand clearly apart."""
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height_inches), layout="constrained")
    canvas.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
    return canvas


def show(ax: Axes, sheet: NDArray[np.uint8], theme: Theme, title: str = "") -> None:
    """Show a sheet without ticks, framed as its images are divided: some are as white as a page."""
    ax.imshow(sheet, interpolation="nearest" if max(sheet.shape) < 1000 else "antialiased")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=theme.grid)
    if title:
        ax.set_title(title, color=theme.ink)


def name_columns(ax: Axes, names: Iterable[str], positions: Iterable[float]) -> None:
    """Write names above a sheet, each centred on its pixel position."""
    for name, position in zip(names, positions, strict=True):
        ax.annotate(
            name,
            (position, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )


def name_rows(ax: Axes, names: Iterable[str], positions: Iterable[float]) -> None:
    """Write names left of a sheet, each centred on its pixel position."""
    for name, position in zip(names, positions, strict=True):
        ax.annotate(
            name,
            (0, position),
            xycoords=("axes fraction", "data"),
            xytext=(-7, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9.5,
        )


def centres(count: int, size: int) -> NDArray[np.float64]:
    """Pixel positions of the middles of `count` tiles of `size` pixels along one side."""
    space = max(1, round(GAP_SHARE * size))
    return np.arange(count, dtype=np.float64) * (size + space) + (size - 1) / 2
