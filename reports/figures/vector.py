"""Figures as vector files for papers: text stays text, and ids are unique among all figures."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG

from reports.style import LIGHT, drawing

if TYPE_CHECKING:
    from reports.figures.figure import Figure

VECTOR_FORMATS = ("svg", "pdf")
IDENTIFIER = re.compile(r'(?<= id=")|(?<=url\(#)|(?<= xlink:href="#)|(?<= href="#)')


def render_vector(figure: Figure, file_format: str) -> bytes:
    """Draw a figure as `svg` or `pdf`, light; the same figure gives the same bytes.

    matplotlib numbers the elements of every SVG alike, so that two figures put on one page would
    share ids: each is prefixed with the figure's slug.
    """
    if file_format not in VECTOR_FORMATS:
        raise ValueError(f"format {file_format!r}; allowed: {', '.join(VECTOR_FORMATS)}")
    file = io.BytesIO()
    with drawing(LIGHT), mpl.rc_context({"svg.hashsalt": figure.slug, "pdf.fonttype": 42}):
        canvas = figure.draw(LIGHT)
        if file_format == "pdf":
            FigureCanvasPdf(canvas).print_pdf(  # type: ignore[no-untyped-call]
                file, metadata={"CreationDate": None}
            )
            return file.getvalue()
        FigureCanvasSVG(canvas).print_svg(file, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return IDENTIFIER.sub(f"{figure.slug}-", file.getvalue().decode("utf-8")).encode("utf-8")
