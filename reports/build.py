"""From a directory of results to its report: the whole flow on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.drawn import draw_section, write
from reports.figures import sections, speed_section
from reports.files import write_atomically
from reports.freshness import NOTE, fingerprint, is_fresh
from reports.kept import KeptPictures
from reports.measurements import read_measurements
from reports.page import render_page
from reports.runtable import run_table
from reports.study import main_study
from reports.sweep import read_sweep
from reports.verdict import compare

if TYPE_CHECKING:
    from collections.abc import Collection
    from os import PathLike


def build(
    sweep_dir: str | PathLike[str],
    *,
    only_if_changed: bool = False,
    formats: Collection[str] = (),
    progress: str = "",
) -> Path:
    """Draw the report of a sweep into `sweep_dir/report`; returns the path of the page.

    Writes `index.html`, `figures/*.png`, `tables/*.csv`, and with `formats` (of `svg`, `pdf`)
    `figures/*.svg` and `figures/*.pdf`, each atomically. A directory may hold measurements of speed
    beside its sweep, or nothing but these. Raises SweepError when it holds neither, or when a table
    cannot be read. With `only_if_changed`, a page that was drawn from the same tables by the same
    code stays, and a figure whose data did not change is never drawn again. `progress` says how far
    a sweep is that still runs.
    """
    directory = Path(sweep_dir)
    drawn_from = fingerprint(directory, formats, progress)
    if only_if_changed and is_fresh(directory / "report", drawn_from):
        return directory / "report" / "index.html"
    measured = read_measurements(directory)
    sweep = read_sweep(directory, needs_runs=measured.is_empty)
    study = main_study(sweep)
    kept = KeptPictures(directory / "report")
    drawn = [
        draw_section(section, kept, formats)
        for section in (*sections(study), speed_section(measured))
    ]
    page = render_page(study, measured, compare(study), drawn, run_table(sweep), progress)
    index = write(directory / "report", drawn, page)
    write_atomically(index.with_name(NOTE), drawn_from.encode())
    return index


def is_current(sweep_dir: str | PathLike[str], formats: Collection[str] = ()) -> bool:
    """Whether the page of a sweep directory would be drawn again just as it is."""
    directory = Path(sweep_dir)
    return is_fresh(directory / "report", fingerprint(directory, formats))
