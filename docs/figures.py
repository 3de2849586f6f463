"""Copy the figures that the documents show from a drawn report: ``python docs/figures.py DIR``."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images"
FIGURES = (
    "continuity",
    "decoded-samples",
    "interpolations",
    "manifold",
    "posterior-ellipses",
    "prior-samples",
    "rate-distortion",
    "reconstruction",
    "weight-strip",
)
COLOURS = 256


def copy(sweep: Path) -> None:
    """Write the figures of a sweep's report into ``docs/images``."""
    IMAGES.mkdir(exist_ok=True)
    for name in FIGURES:
        save(Image.open(sweep / "report" / "figures" / f"{name}.png"), f"{name}.png")


def save(picture: Image.Image, name: str) -> None:
    """Write a small PNG: few colours, no difference that a document shows."""
    reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    copy(Path(sys.argv[1]))
