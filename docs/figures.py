"""Take the figures and the numbers of ``docs/theory.md`` from a drawn report of the default sweep:
``python docs/figures.py runs/digits``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from PIL import Image

IMAGES = Path(__file__).parent / "images"
NUMBERS = Path(__file__).parent / "results" / "theory.csv"
LATENT_DIM = 16
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
COLUMNS = [
    "test_mse",
    "test_rate_nats",
    "active_units",
    "probe_linear_accuracy",
    "probe_linear_accuracy_pca",
    "decoder_jacobian_norm",
    "decoder_jacobian_norm_scaled",
    "interpolation_evenness",
    "interpolation_precision",
    "prior_precision",
    "prior_coverage",
    "gmm_precision",
    "gmm_coverage",
]
COLOURS = 256


def number(sweep: Path) -> None:
    """Write means over seeds at 16 latent dimensions, a row a KL weight, the AE first."""
    runs = pd.read_parquet(sweep / "results.parquet")
    runs = runs[(runs["status"] == "ok") & (runs["latent_dim"] == LATENT_DIM)]
    means = runs.groupby(["objective", "kl_weight"], dropna=False)[COLUMNS].mean()
    means.to_csv(NUMBERS, float_format="%.6g")


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
    number(Path(sys.argv[1]))
