from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from reports.recolour import recolour
from reports.style import AUTOENCODER, DARK, LIGHT, MARKERS, drawing, latent_colours, weight_colours


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def darkened(colours: list[str]) -> list[str]:
    palette = np.round(255 * np.array([to_rgb(colour) for colour in colours])).astype(np.uint8)
    return [to_hex(colour / 255) for colour in recolour(palette, LIGHT, DARK)]


@pytest.mark.parametrize("palette", [weight_colours, latent_colours])
@pytest.mark.parametrize("count", [2, 5, 7])
def test_ordered_colours_read_without_hue_and_stand_out(palette, count):
    colours = palette(count)
    steps = np.diff([luminance(colour) for colour in colours])
    assert (steps < 0).all()
    assert min(contrast(colour, LIGHT.background) for colour in colours) > 2
    dark = darkened(colours)
    assert (np.diff([luminance(colour) for colour in dark]) > 0).all()
    assert min(contrast(colour, DARK.background) for colour in dark) > 2


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_text_meets_wcag(theme):
    assert contrast(theme.ink, theme.background) > 7
    assert contrast(theme.muted, theme.background) > 3


def test_the_autoencoder_meets_wcag_on_both_pages():
    assert contrast(AUTOENCODER, LIGHT.background) > 4.5
    assert contrast(*darkened([AUTOENCODER]), DARK.background) > 4.5


def test_one_colour_is_the_middle_of_the_palette():
    assert weight_colours(1) == [weight_colours(3)[1]]


def test_markers_differ():
    assert len(set(MARKERS)) == len(MARKERS) >= 8


def test_drawing_changes_nothing_outside():
    before = mpl.rcParams["axes.facecolor"]
    with drawing(DARK):
        assert mpl.rcParams["axes.facecolor"] == DARK.background
    assert mpl.rcParams["axes.facecolor"] == before
