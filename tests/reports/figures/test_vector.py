"""Vector figures: fonts as text, ids of their own, the same bytes again."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from reports.figures import Figure, render_vector


@pytest.fixture
def figure():
    def draw(theme):
        canvas = Canvas()
        ax = canvas.subplots()
        ax.plot([0, 1], [0, 1], marker="o")
        ax.set_title("error & rate $x$")
        return canvas

    return Figure("one", "?", "1.", "", "A line.", pd.DataFrame({"x": [1]}), draw)


def test_svg_has_its_text_as_text_and_ids_of_its_own(figure):
    root = ET.fromstring(render_vector(figure, "svg"))  # noqa: S314 (our own file)
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "error & rate $x$" in texts
    ids = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
    assert len(ids) == len(set(ids)) > 10
    assert all(name.startswith("one-") for name in ids)


def test_references_of_an_svg_lead_to_its_own_elements(figure):
    svg = render_vector(figure, "svg").decode()
    ids = set(re.findall(r' id="([^"]+)"', svg))
    references = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)
    assert references
    assert {first or second for first, second in references} <= ids


def test_pdf_embeds_truetype_fonts_not_outlines(figure):
    pdf = render_vector(figure, "pdf")
    assert pdf.startswith(b"%PDF")
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    assert b"/Type3" not in pdf


@pytest.mark.parametrize("file_format", ["svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(figure, file_format):
    assert render_vector(figure, file_format) == render_vector(figure, file_format)


def test_other_formats_are_refused(figure):
    with pytest.raises(ValueError, match="format 'png'; allowed: svg, pdf"):
        render_vector(figure, "png")
