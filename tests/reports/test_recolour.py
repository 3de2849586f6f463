from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from reports.recolour import from_oklab, recolour, to_oklab
from reports.style import DARK, LIGHT


def as_bytes(*names: str) -> np.ndarray:
    return np.round(255 * np.array([to_rgb(name) for name in names])).astype(np.uint8)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        # CSS Color Module Level 4, sample values of oklab()
        ("#ffffff", (1.0, 0.0, 0.0)),
        ("#ff0000", (0.628, 0.225, 0.126)),
        ("#00ff00", (0.866, -0.234, 0.179)),
        ("#0000ff", (0.452, -0.032, -0.312)),
    ],
)
def test_oklab_has_its_published_values(colour, lab):
    assert to_oklab(np.array(to_rgb(colour))) == pytest.approx(np.array(lab), abs=1e-3)


def test_oklab_goes_there_and_back():
    colours = np.random.default_rng(0).random((100, 3))
    assert from_oklab(to_oklab(colours)) == pytest.approx(colours, abs=1e-6)


def test_background_and_ink_become_those_of_the_other_page():
    found = recolour(as_bytes(LIGHT.background, LIGHT.ink), LIGHT, DARK)
    assert (found == as_bytes(DARK.background, DARK.ink)).all()


def test_hue_stays_and_lightness_turns_over():
    colours = as_bytes("#c2410c", "#0b5c8a", "#a07d1b")
    before, after = (to_oklab(c / 255.0) for c in (colours, recolour(colours, LIGHT, DARK)))
    hues = [np.arctan2(lab[:, 2], lab[:, 1]) for lab in (before, after)]
    assert hues[1] == pytest.approx(hues[0], abs=0.1)
    assert (np.argsort(before[:, 0]) == np.argsort(-after[:, 0])).all()
