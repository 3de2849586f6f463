"""One image decoded across KL weights."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.tiles import centres, name_columns, show, tile
from reports.metrics import METRICS
from reports.showcase import reference_dim
from reports.study import AE, Configuration, records, select_spread
from reports.style import FULL_WIDTH_INCHES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

STRIP_TITLE = "What does a rising KL weight do to an image?"
MOST_WEIGHTS = 8
STRIP_IMAGES = 4
LARGEST_TILE_INCHES = 1.2
COLLAPSED = 0.5
MSE = METRICS["test_mse"]


@from_pictures(STRIP_TITLE)
def weight_strip(study: Study) -> Figure | Missing:
    """The same test images, reconstructed by the AE and at each KL weight."""
    runs = _strip_runs(study)
    if runs["kl_weight"].nunique() < 2:
        return Missing(STRIP_TITLE, "fewer than two KL weights were run")
    columns, data = _strip_columns(study, runs)
    first, last = data[data["family"] != AE].iloc[0], data.iloc[-1]
    return Figure(
        slug="weight-strip",
        title=STRIP_TITLE,
        finding=f"From KL weight {wording.weight(first['kl_weight'])} to "
        f"{wording.weight(last['kl_weight'])} the squared error of these images goes from "
        f"{wording.number(first['mse_of_images_shown'])} to "
        f"{wording.number(last['mse_of_images_shown'])}, and different images "
        f"{_contrast(first['contrast_across_images'], last['contrast_across_images'])}.",
        note=f"Latent dimension {reference_dim(study)}, seed {int(data['seed'].iloc[0])}, decoded "
        "from the posterior mean."
        f"{wording.not_drawn(len(study.kl_weights), data['kl_weight'].nunique(), 'KL weight')}",
        alt="A grid: each row one test image, the columns original, AE and rising KL weight.",
        data=data,
        draw=partial(_draw_strip, columns=columns),
        wide=True,
        pictorial=True,
    )


def _strip_runs(study: Study) -> pd.DataFrame:
    """Runs of the lowest seed at the latent dimension shown, by KL weight, the AE first."""
    runs = study.runs[study.runs["latent_dim"] == reference_dim(study)]
    runs = runs[runs["seed"] == runs.loc[runs["family"] != AE, "seed"].min()]
    weights = select_spread(sorted(runs["kl_weight"].dropna().unique().tolist()), MOST_WEIGHTS)
    shown: pd.DataFrame = runs[(runs["family"] == AE) | runs["kl_weight"].isin(weights)]
    return shown.sort_values("kl_weight", na_position="first")


def _contrast(first: float, last: float) -> str:
    """Say how much decoded images differ from one another at the last weight and at the first."""
    if first == 0:
        return f"decode alike at {'both' if last == 0 else 'the first'}"
    share = last / first
    collapse = ": they collapse towards one image" if share < COLLAPSED else ""
    return f"differ {wording.percent(share)} as much as they did{collapse}"


def _strip_columns(
    study: Study, runs: pd.DataFrame
) -> tuple[dict[str, NDArray[Any]], pd.DataFrame]:
    columns: dict[str, NDArray[Any]] = {}
    facts = []
    for run in records(runs):
        originals, decoded, labels = study.sweep.arrays(
            run["run_id"], "originals", "reconstructions", "original_labels"
        )
        picks = _different_labels(labels)
        originals, decoded = originals[picks], decoded[picks]
        columns.setdefault("original", originals)
        label = "AE" if run["family"] == AE else f"β {wording.weight(run['kl_weight'])}"
        columns[label] = decoded
        facts.append(_facts(run, originals, decoded))
    return columns, pd.DataFrame(facts)


def _different_labels(labels: NDArray[Any]) -> list[int]:
    """Indices of the first images of different classes, topped up with the first images."""
    firsts = np.sort(np.unique(labels, return_index=True)[1]).tolist()
    rest = [index for index in range(len(labels)) if index not in firsts]
    return [int(index) for index in (firsts + rest)[:STRIP_IMAGES]]


def _facts(run: dict[str, Any], originals: NDArray[Any], decoded: NDArray[Any]) -> dict[str, Any]:
    wanted, found = originals / 255.0, decoded / 255.0
    return {
        "run_id": run["run_id"],
        "configuration": Configuration.of(run).name,
        "family": run["family"],
        "latent_dim": run["latent_dim"],
        "kl_weight": run["kl_weight"],
        "seed": run["seed"],
        MSE.column: run[MSE.column],
        "mse_of_images_shown": float(np.mean((wanted - found) ** 2)),
        "contrast_across_images": float(found.std(axis=0).mean()),
    }


def _draw_strip(theme: Theme, columns: dict[str, NDArray[Any]]) -> Canvas:
    by_image = np.stack(list(columns.values()), axis=1)
    count = by_image.shape[1]
    sheet = tile(by_image.reshape(-1, *by_image.shape[2:]), count, theme.grid)
    height = min(FULL_WIDTH_INCHES / count, LARGEST_TILE_INCHES) * STRIP_IMAGES
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height + 0.4), layout="constrained")
    ax = canvas.subplots()
    show(ax, sheet, theme)
    name_columns(ax, columns, centres(count, by_image.shape[3]))
    return canvas
