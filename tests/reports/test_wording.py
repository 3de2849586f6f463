from __future__ import annotations

import math

import pytest

from reports import wording
from reports.statistics import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01131, "0.0113"),
        (41.23, "41.2"),
        (0.99999, "1.00"),
        (52345.6, "52,300"),
        (-0.26, "−0.260"),
        (0.0, "0"),
        (1.5e-9, "1.50e−09"),
        (math.nan, "–"),
    ],
)
def test_number(value, text):
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (0.01132, 0.000354, "0.01132 ± 0.00035"),
        (41.2, 1.26, "41.2 ± 1.3"),
        (12345.0, 678.0, "12,345 ± 678"),
        (16.0, 0.0, "16 ± 0"),
        (0.76, 3e-16, "0.76 ± 0"),
        (-0.001, 3.1e-5, "−0.001000 ± 0.000031"),
        (0.5, math.nan, "0.500"),
    ],
)
def test_interval_rounds_mean_and_half_width_alike(mean, half, text):
    assert wording.interval(Estimate(mean, half, 3)) == text


def test_signed_writes_the_sign():
    assert wording.signed(Estimate(0.126, 0.094, 3)) == "+0.126 ± 0.094"
    assert wording.signed(Estimate(-0.5, 0.1, 3)).startswith("−0.50")


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([3, 3], "Mean and 95 % interval over 3 seeds."),
        ([2, 3], "Mean and 95 % interval over 2 to 3 seeds."),
        ([1, 1], "One seed: no interval."),
        ([], "No values."),
    ],
)
def test_seeds(counts, text):
    assert wording.seeds(counts) == text


def test_change_names_the_direction():
    assert wording.change(-37.01) == "falls by 37.0"
    assert wording.change(0.845) == "rises by 0.845"


def test_figure_text_holds_what_the_font_can_draw():
    assert wording.figure_text("cuda 🧪 é") == "cuda ? é"
    assert len(wording.figure_text("x" * 200)) == wording.FIGURE_TEXT_LIMIT


def test_family_writes_known_names_in_capitals():
    assert [wording.family(name) for name in ("ae", "vae", "my-vae")] == ["AE", "VAE", "my-vae"]
