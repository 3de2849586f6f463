"""From two sweep directories to one page of what changed: the whole flow on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports import changes
from reports.drawn import draw_section, write
from reports.figures import Figure, Missing, Section
from reports.figures.changes import differences, outcome_bars, speed_ratio
from reports.html import fill
from reports.kept import KeptPictures
from reports.pairing import OUTCOMES, pair
from reports.sweep import read_sweep

if TYPE_CHECKING:
    from collections.abc import Collection
    from os import PathLike

    from reports.drawn import DrawnSection
    from reports.pairing import Pairing

FIGURES = (outcome_bars, differences, speed_ratio)


def build_comparison(
    first: str | PathLike[str],
    second: str | PathLike[str],
    out: str | PathLike[str],
    *,
    formats: Collection[str] = (),
) -> Path:
    """Compare the sweep in `second` with that in `first`; returns the path of the page in `out`.

    Writes `index.html`, `figures/*` and `tables/*.csv`, each atomically. Raises SweepError when one
    of the two is no sweep directory or they have no configuration in common.
    """
    pairing = pair(read_sweep(Path(first)), read_sweep(Path(second)))
    answers = [builder(pairing) for builder in FIGURES]
    section = Section(
        "What changed",
        tuple(answer for answer in answers if isinstance(answer, Figure)),
        tuple(answer for answer in answers if isinstance(answer, Missing)),
    )
    drawn = [draw_section(section, KeptPictures(Path(out)), formats)]
    return write(Path(out), drawn, _page(pairing, drawn))


def _page(pairing: Pairing, sections: list[DrawnSection]) -> bytes:
    sweeps = (pairing.first, pairing.second)
    names = [sweep.name for sweep in sweeps]
    if len(set(names)) == 1:  # two sweeps of one specification are told apart by where they are
        names = [sweep.directory.resolve().name for sweep in sweeps]
    return fill(
        "comparison.html.j2",
        names=names,
        directories=[str(sweep.directory) for sweep in sweeps],
        counts=changes.outcome_counts(pairing.cells),
        sentences=changes.sentences(pairing),
        by_chance=changes.by_chance(pairing),
        metrics=changes.metric_rows(pairing),
        compared=changes.what_was_compared(pairing),
        settings=changes.changed_settings(*sweeps),
        sections=sections,
        table=changes.change_table(pairing),
        outcomes=OUTCOMES,
    )
