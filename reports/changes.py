"""What changed between two sweeps, in words, rows and one searchable table."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reports import wording
from reports.metrics import METRICS
from reports.pairing import OUTCOMES, judge
from reports.runtable import Cell, RunTable
from reports.statistics import CONFIDENCE
from reports.study import CONFIGURATION, HELD_AXES, Configuration, records
from reports.verdict import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.metrics import Metric
    from reports.pairing import Pairing
    from reports.sweep import Sweep

MOST_ROWS = 2000
BEYOND_NOISE = ("better", "worse", "changed")
TRANSIENT = ("command", "started_at", "wall_seconds")


def sentences(pairing: Pairing) -> list[str]:
    """One sentence a purpose: over all that both sweeps have, better, worse, or noise."""
    return [_sentence(pairing, purpose.name, purpose.metric) for purpose in PURPOSES]


def _sentence(pairing: Pairing, name: str, metric: Metric) -> str:
    cells = pairing.cells[pairing.cells["metric"] == metric.column]
    if cells.empty:
        return f"{name}: {metric.label} was not measured in both."
    counts = outcome_counts(cells)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    text = f"{name}: {metric.label} of {wording.plural(len(cells), 'configuration')}: {said}"
    found = pairing.overall(metric)
    if not found.n or (cells["outcome"] == "equal").all():
        return f"{text}."
    rows = pairing.with_every_seed(metric)
    before, after = (wording.number(rows[side].mean()) for side in ("first", "second"))
    complete = rows.groupby([*CONFIGURATION, *pairing.shared_axes], dropna=False).ngroups
    which = "all of them" if complete == len(cells) else f"{complete} with every seed in both"
    judgement = {
        "one": "in one seed, so noise cannot be told from effect",
        "within noise": "a change within seed noise",
    }.get(_overall_outcome(pairing, metric), "a change beyond seed noise")
    return (
        f"{text}. Over {which} its mean goes from {before} to {after}: paired difference "
        f"{wording.signed(found)}, {judgement}."
    )


def _overall_outcome(pairing: Pairing, metric: Metric) -> str:
    found = pairing.overall(metric)
    return judge(found, metric) if np.isfinite(found.half_width) else "one"


def outcome_counts(cells: pd.DataFrame) -> dict[str, int]:
    """Number of cells with each outcome, in the order of OUTCOMES."""
    counts = cells["outcome"].value_counts()
    return {outcome: int(counts.get(outcome, 0)) for outcome in OUTCOMES}


def by_chance(pairing: Pairing) -> str:
    """Say how many differences are beyond noise, and how many would be with none."""
    judged = pairing.cells[~pairing.cells["outcome"].isin(["one seed", "equal"])]
    if judged.empty:
        return ""
    beyond = int(judged["outcome"].isin(BEYOND_NOISE).sum())
    expected = (1 - CONFIDENCE) * len(judged)
    return (
        f"{beyond:,} of {len(judged):,} differences are beyond seed noise; where nothing changed "
        f"but the noise, about {wording.number(expected, 2)} would be."
    )


def metric_rows(pairing: Pairing) -> list[dict[str, Any]]:
    """One row a metric: counts of outcomes and the largest change."""
    rows = []
    for metric in pairing.metrics:
        cells = pairing.cells[pairing.cells["metric"] == metric.column]
        largest = records(cells)[int(np.argmax(cells["difference"].abs()))]
        overall = pairing.overall(metric)
        equal = bool((cells["outcome"] == "equal").all())
        change = wording.signed_number(largest["difference"])
        rows.append(
            {
                "metric": metric.label,
                "hint": metric.hint,
                "counts": outcome_counts(cells),
                "overall": wording.NO_VALUE if equal or not overall.n else wording.signed(overall),
                "largest": wording.NO_VALUE if equal else change,
                "where": "" if equal else Configuration.of(largest).name,
            }
        )
    return rows


def what_was_compared(pairing: Pairing) -> list[str]:
    """Say what was paired, how, and what only one of the two sweeps has."""
    paired = int(pairing.cells["paired"].sum())
    said = [
        f"{wording.plural(pairing.pairs, 'pair')} of runs of one configuration and seed, "
        f"{pairing.identical_ids:,} of them with the same run id."
    ]
    if paired < len(pairing.cells):
        said.append(
            f"{len(pairing.cells) - paired:,} of {len(pairing.cells):,} differences are between "
            "means of different seeds (Welch's interval), because the sweeps share no seed there."
        )
    for count, name in ((pairing.only_first, "A"), (pairing.only_second, "B")):
        if count:
            said.append(f"{wording.plural(count, 'configuration')} only in {name}, not compared.")
    for name, sweep in (("A", pairing.first), ("B", pairing.second)):
        failed = int((sweep.runs["status"] == "failed").sum())
        if failed:
            said.append(f"{wording.plural(failed, 'run')} failed in {name}.")
    return said


def changed_settings(first: Sweep, second: Sweep) -> list[tuple[str, str, str]]:
    """Keys of the specifications and of the environments that differ, with both values."""
    tables = [
        (_flat(tomllib.loads(first.spec_text)), _flat(tomllib.loads(second.spec_text))),
        (_environment(first), _environment(second)),
    ]
    return [
        (key, str(a.get(key, wording.NO_VALUE)), str(b.get(key, wording.NO_VALUE)))
        for a, b in tables
        for key in sorted({*a, *b})
        if a.get(key) != b.get(key)
    ]


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat


def _environment(sweep: Sweep) -> dict[str, Any]:
    return {
        key.replace("_", " "): value
        for key, value in sweep.environment.items()
        if key not in TRANSIENT
    }


def change_table(pairing: Pairing) -> RunTable:
    """Every difference as a row, those beyond noise first, the surest of them on top."""
    cells = pairing.cells
    half = ((cells["high"] - cells["low"]) / 2).fillna(np.inf).replace(0.0, 1e-300)
    sureness = np.where(cells["difference"] == 0, 0.0, cells["difference"].abs() / half)
    ordered = cells.iloc[np.argsort(-sureness, kind="stable")]
    note = "Differences are B − A; ± is the half width of the 95 % interval over seeds."
    if len(ordered) > MOST_ROWS:
        note += f" The surest {MOST_ROWS:,} of {len(ordered):,} are listed."
    axes = [*pairing.shared_axes]
    headings = [("outcome", False), ("metric", False), ("model", False), ("latent", True)]
    headings += [("KL weight", True), *((HELD_AXES[axis], False) for axis in axes)]
    headings += [("A", True), ("B", True), ("B − A", True), ("±", True), ("seeds", True)]
    rows = tuple(("", _cells(row, axes)) for row in records(ordered.head(MOST_ROWS)))
    return RunTable(tuple(headings), rows, {}, note)


def _cells(row: dict[str, Any], axes: list[str]) -> tuple[Cell, ...]:
    half = (row["high"] - row["low"]) / 2
    family, latent_dim, kl_weight = (row[key] for key in CONFIGURATION)
    return (
        _text(row["outcome"]),
        _text(METRICS[row["metric"]].label),
        _text(wording.family(family)),
        _number(latent_dim, wording.weight(latent_dim)),
        _number(kl_weight, wording.weight(kl_weight)),
        *(_text("" if pd.isna(row[axis]) else str(row[axis])) for axis in axes),
        _number(row["first"], wording.number(row["first"])),
        _number(row["second"], wording.number(row["second"])),
        _number(row["difference"], wording.number(row["difference"])),
        _number(half, wording.number(half, 2)),
        _number(row["n"], str(row["n"])),
    )


def _text(text: str) -> Cell:
    return Cell(text, text, numeric=False)


def _number(value: float, text: str) -> Cell:
    if not np.isfinite(value):
        return Cell(wording.NO_VALUE, "", numeric=True)
    return Cell(text, f"{value:.10g}", numeric=True)
