"""What a figure is: one question, one finding, the numbers behind it, and how to draw it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from reports.recolour import recolour
from reports.style import DARK, LIGHT, RESOLUTION_DPI, drawing
from reports.sweep import SamplesError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure as Canvas

    from reports.study import Study
    from reports.style import Theme

    Builder = Callable[[Study], "Figure | Missing"]

PALETTE_COLOURS = 256
MARGIN_PIXELS = 6


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the report.

    Attributes
    ----------
    slug
        File name without its suffix.
    title
        The question that the figure answers.
    finding
        The answer, with its number.
    note
        How to read it: what intervals are, what was left out.
    alt
        What kind of picture it is; a reader who cannot see it hears this and the finding.
    data
        Every number drawn, one row a mark; becomes the CSV.
    draw
        Draws it in a theme on a new canvas.
    wide
        Whether it takes the page's whole width.
    pictorial
        Whether it shows images, which a dark page must not turn into negatives.
    """

    slug: str
    title: str
    finding: str
    note: str
    alt: str
    data: pd.DataFrame
    draw: Callable[[Theme], Canvas]
    wide: bool = False
    pictorial: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that the sweep has no data for, and why."""

    title: str
    reason: str


def from_pictures(title: str) -> Callable[[Builder], Builder]:
    """Turn absent or unreadable pictures into a `Missing` of this title."""

    def wrap(builder: Builder) -> Builder:
        @wraps(builder)
        def answer(study: Study) -> Figure | Missing:
            try:
                return builder(study)
            except SamplesError as error:
                return Missing(title, str(error))

        return answer

    return wrap


def render(figure: Figure) -> tuple[bytes, bytes]:
    """Draw a figure for light and for dark pages, as PNG.

    A chart is drawn once and recoloured for dark pages, which is quick; a pictorial figure is
    drawn twice.
    """
    light = _paint(figure, LIGHT)
    dark = _paint(figure, DARK) if figure.pictorial else _darkened(light)
    return _png(light), _png(dark)


def _paint(figure: Figure, theme: Theme) -> Image.Image:
    """Draw in at most 256 colours: a third of the bytes, no difference seen."""
    with drawing(theme):
        canvas: Any = FigureCanvasAgg(figure.draw(theme))
        canvas.figure.set_dpi(RESOLUTION_DPI)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    return _reduce(_trim(picture))


def _darkened(light: Image.Image) -> Image.Image:
    dark = light.copy()
    palette = np.array(light.getpalette(), dtype=np.uint8).reshape(-1, 3)
    dark.putpalette(recolour(palette, LIGHT, DARK).tobytes())
    return dark


def _png(picture: Image.Image) -> bytes:
    packed = io.BytesIO()
    picture.save(packed, format="png")
    return packed.getvalue()


def _reduce(picture: Image.Image) -> Image.Image:
    """Reduce to a palette in which the background stays exactly the page's."""
    reduced = picture.quantize(PALETTE_COLOURS, dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)
    palette[np.asarray(reduced)[0, 0]] = np.asarray(picture)[0, 0]
    reduced.putpalette(palette.tobytes())
    return reduced


def _trim(picture: Image.Image) -> Image.Image:
    """Cut empty rows above and below; the width, and so the size of text, stays as it is."""
    pixels = np.asarray(picture)
    rows = np.flatnonzero((pixels != pixels[0, 0]).any(axis=(1, 2)))
    if not len(rows):
        return picture
    top = max(int(rows[0]) - MARGIN_PIXELS, 0)
    bottom = min(int(rows[-1]) + 1 + MARGIN_PIXELS, picture.height)
    return picture.crop((0, top, picture.width, bottom))
