"""The table of all runs: one row a run, or one a configuration when there are very many."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from reports import wording
from reports.figures.tiles import tile
from reports.html import data_uri
from reports.metrics import METRICS
from reports.study import CONFIGURATION, HELD_AXES, records, with_family
from reports.sweep import TEXT_COLUMNS, SamplesError, Sweep
from reports.toml import run_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ROWS = 1000
PICTURE_BUDGET_BYTES = 1_000_000
PICTURE_COLUMNS = 16
PICTURES = {
    "originals": PICTURE_COLUMNS,
    "reconstructions": PICTURE_COLUMNS,
    "prior_samples": 2 * PICTURE_COLUMNS,
}
PICTURE_BACKGROUND = "#7b8494"
COLUMNS = {
    "status": "status",
    "family": "model",
    "latent_dim": "latent",
    "kl_weight": "KL weight",
    **HELD_AXES,
    "seed": "seed",
    "seeds": "seeds",
    "test_mse": "test MSE",
    "test_rate_nats": "rate, nats",
    "test_elbo_nats": "ELBO, nats",
    "active_units": "active",
    "probe_linear_accuracy": "linear probe",
    "probe_knn_accuracy": "k-NN",
    "prior_precision": "precision",
    "prior_coverage": "coverage",
    "prior_frechet": "Fréchet",
    "reason": "reason",
}
ALWAYS = "device"
"""The held axis that has its column though the sweep has one level of it."""

AXES = ("status", *CONFIGURATION, *HELD_AXES)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, and what it is sorted by."""

    text: str
    sort: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class RunTable:
    """Headings (with whether numeric) and rows for the page; `details` is keyed by run id."""

    headings: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    details: Mapping[str, Mapping[str, str]]
    note: str


def run_table(sweep: Sweep) -> RunTable:
    """Tabulate the runs of a sweep."""
    runs = with_family(sweep.runs)
    note = ""
    details: dict[str, dict[str, str]] = {}
    if len(runs) > MOST_ROWS:
        note = f"{len(runs):,} runs: rows are means over the seeds of one configuration."
        runs = _aggregate(runs)
        if len(runs) > MOST_ROWS:
            note += f" The first {MOST_ROWS:,} of {len(runs):,} configurations are listed."
            runs = runs.head(MOST_ROWS)
    else:
        details = _details(sweep, runs)
    columns = [column for column in COLUMNS if column in runs and _says_something(runs, column)]
    rows = tuple(
        (str(run.get("run_id", "")), tuple(_cell(column, run[column]) for column in columns))
        for run in records(runs)
    )
    headings = tuple((COLUMNS[column], not _is_text(column)) for column in columns)
    return RunTable(headings, rows, details, note)


def _aggregate(runs: pd.DataFrame) -> pd.DataFrame:
    metrics = [column for column in COLUMNS if column in METRICS]
    grouped = runs.groupby(list(AXES), dropna=False, sort=True)
    means = grouped[metrics].mean()
    means.insert(0, "seeds", grouped["seed"].nunique())
    return means.assign(reason=grouped["reason"].first()).reset_index()


def _says_something(runs: pd.DataFrame, column: str) -> bool:
    values = runs[column]
    if column in HELD_AXES and column != ALWAYS:
        return len(set(values.dropna())) > 1
    return bool((values != "").any() if _is_text(column) else values.notna().any())


def _is_text(column: str) -> bool:
    return column == "family" or column in TEXT_COLUMNS


def _cell(column: str, value: Any) -> Cell:
    if _is_text(column):
        text = wording.family(value) if column == "family" else str(value)
        return Cell(text, text, numeric=False)
    if math.isnan(value):
        return Cell(wording.NO_VALUE, "", numeric=True)
    exact = column not in METRICS or column == "active_units"
    return Cell(wording.weight(value) if exact else wording.number(value), f"{value:.10g}", True)


def _details(sweep: Sweep, runs: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Spec and pictures of each run, pictures as long as the budget lasts."""
    spent = 0
    details: dict[str, dict[str, str]] = {}
    for run in records(runs):
        run_id = str(run["run_id"])
        details[run_id] = {"toml": run_spec(sweep.spec_text, run)}
        if run["status"] == "ok" and spent < PICTURE_BUDGET_BYTES:
            picture = _picture(sweep, run_id)
            spent += len(picture)
            details[run_id]["picture"] = picture
    return details


def _picture(sweep: Sweep, run_id: str) -> str:
    """Originals, reconstructions and N(0, I) samples on one sheet, as a data URI."""
    try:
        arrays = sweep.arrays(run_id, *PICTURES)
    except SamplesError:
        return ""
    parts = [images[:limit] for images, limit in zip(arrays, PICTURES.values(), strict=True)]
    sheet = tile(np.concatenate(parts), PICTURE_COLUMNS, PICTURE_BACKGROUND)
    buffer = io.BytesIO()
    Image.fromarray(sheet).quantize(64).save(buffer, format="png", optimize=True)
    return data_uri("image/png", buffer.getvalue())
