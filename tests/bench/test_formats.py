"""The option ``--formats``."""

import pytest

from bench.formats import vector_formats
from bench.plan import SpecError


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("", ()),
        ("svg", ("svg",)),
        ("svg,pdf", ("svg", "pdf")),
        (" PDF , svg,pdf,", ("pdf", "svg")),
    ],
)
def test_a_list_is_read(text, formats):
    assert vector_formats(text) == formats


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(SpecError, match=r"--formats: 'png' is unknown; allowed: svg, pdf"):
        vector_formats("svg,png")
