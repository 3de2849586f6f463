"""From a directory of results to its report: the whole flow on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.figures import render, sections, speed_section
from reports.files import write_atomically
from reports.freshness import NOTE, fingerprint, is_fresh
from reports.measurements import read_measurements
from reports.page import Drawn, DrawnSection, render_page
from reports.runtable import run_table
from reports.study import main_study
from reports.sweep import read_sweep
from reports.verdict import compare

if TYPE_CHECKING:
    from os import PathLike

    from reports.figures import Figure


def build(sweep_dir: str | PathLike[str], *, only_if_changed: bool = False) -> Path:
    """Draw the report of a sweep into `sweep_dir/report`; returns the path of the page.

    Writes `index.html`, `figures/*.png` and `tables/*.csv`, each atomically. A directory may hold
    measurements of speed beside its sweep, or nothing but these. Raises SweepError when it holds
    neither, or when a table cannot be read. With `only_if_changed`, a page that was drawn from the
    same tables by the same code stays.
    """
    directory = Path(sweep_dir)
    drawn_from = fingerprint(directory)
    if only_if_changed and is_fresh(directory / "report", drawn_from):
        return directory / "report" / "index.html"
    measured = read_measurements(directory)
    sweep = read_sweep(directory, needs_runs=measured.is_empty)
    study = main_study(sweep)
    comparisons = compare(study)
    drawn = [
        DrawnSection(section.title, tuple(map(draw, section.figures)), section.missing)
        for section in (*sections(study), speed_section(measured))
    ]
    page = render_page(study, measured, comparisons, drawn, run_table(sweep))
    index = write(sweep.directory / "report", drawn, page)
    write_atomically(index.with_name(NOTE), drawn_from.encode())
    return index


def draw(figure: Figure) -> Drawn:
    """Draw a figure for light and for dark pages, with its numbers."""
    csv = figure.data.to_csv(index=False).encode("utf-8")
    light, dark = render(figure)
    return Drawn(figure, light, dark, csv)


def write(report: Path, drawn_sections: list[DrawnSection], page: bytes) -> Path:
    """Write figures and tables, then the page that links them."""
    for section in drawn_sections:
        for drawn in section.drawn:
            write_atomically(report / "figures" / f"{drawn.figure.slug}.png", drawn.light)
            write_atomically(report / "tables" / f"{drawn.figure.slug}.csv", drawn.csv)
    index = report / "index.html"
    write_atomically(index, page)
    return index
