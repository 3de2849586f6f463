"""Take the figures and the numbers of ``docs/theory.md`` from a drawn report of the default sweep:
``python docs/figures.py runs/digits``.
"""

from __future__ import annotations

import re
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


def refill(page: Path) -> None:
    """Put the numbers into a page's tables: rows that begin with a column, columns with a weight.

    A number keeps the decimals it has; what the text says of it is for the writer to check.
    """
    means = pd.read_csv(NUMBERS).set_index("kl_weight", drop=False)
    lines, weights = page.read_text(encoding="utf-8").splitlines(), []
    for index, line in enumerate(lines):
        heads = [cell.strip() for cell in line.split("|")[2:-1]]
        if heads[:1] == ["AE"]:
            weights = [float(head.removeprefix("β = ")) for head in heads[1:]]
        named = re.match(r"\| `(\w+)`", line)
        if named and weights and named[1] in means:
            rows = [means[means["objective"] == "ae"].iloc[0], *(means.loc[w] for w in weights)]
            first, _, _ = line.removeprefix("|").partition("|")
            pairs = zip(heads, rows, strict=True)
            cells = [
                old if old == "–" else f"{row[named[1]]:.{len(old.partition('.')[2])}f}"
                for old, row in pairs
            ]
            lines[index] = f"|{first}| {' | '.join(cells)} |"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


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
    refill(Path(__file__).with_name("theory.md"))
