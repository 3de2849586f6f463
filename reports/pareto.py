"""The configurations that no other beats at every purpose at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reports import wording
from reports.statistics import estimate
from reports.study import Configuration
from reports.verdict import PURPOSES, Purpose, scores_by_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.study import Study

MOST_ROWS = 16


@dataclass(frozen=True, slots=True)
class ParetoRow:
    """A configuration of the front: its scores as text, and the purposes it is the best at."""

    name: str
    scores: tuple[str, ...]
    best_at: str


@dataclass(frozen=True, slots=True)
class ParetoTable:
    """The front for the purposes that were measured, best reconstruction first."""

    purposes: tuple[Purpose, ...]
    rows: tuple[ParetoRow, ...]
    note: str


def pareto_table(study: Study) -> ParetoTable | None:
    """Tabulate the front; None where there is no choice or less than two purposes to weigh."""
    measured = tuple(
        purpose for purpose in PURPOSES if study.runs[purpose.metric.column].notna().any()
    )
    if len(measured) < 2:
        return None
    scores = [scores_by_seed(study.runs, purpose.metric) for purpose in measured]
    means = pd.concat([score.mean(axis="columns") for score in scores], axis="columns").dropna()
    if len(means) < 2:
        return None
    signs = [1.0 if purpose.metric.better == "lower" else -1.0 for purpose in measured]
    costs = means.to_numpy(dtype=np.float64) * signs
    front = np.flatnonzero(~dominated(costs))
    front = front[np.argsort(costs[front, 0], kind="stable")]
    best = costs.argmin(axis=0)
    by_name = [
        dict(zip((Configuration(*key).name for key in score.index), score.to_numpy(), strict=True))
        for score in scores
    ]
    names = [Configuration(*key).name for key in means.index]
    rows = tuple(
        ParetoRow(
            names[row],
            tuple(wording.interval(estimate(score[names[row]])) for score in by_name),
            ", ".join(p.name.lower() for p, top in zip(measured, best, strict=True) if top == row),
        )
        for row in front[:MOST_ROWS].tolist()
    )
    note = f"{len(front)} of {wording.plural(len(means), 'configuration')} are on the front."
    if len(front) > MOST_ROWS:
        note += f" The {MOST_ROWS} with the best reconstruction are listed."
    return ParetoTable(measured, rows, note)


def dominated(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of costs [n, purposes] another row beats somewhere and is nowhere worse than."""
    beaten = [bool(((costs <= row).all(axis=1) & (costs < row).any(axis=1)).any()) for row in costs]
    return np.array(beaten, dtype=np.bool_)
