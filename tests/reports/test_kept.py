"""A figure is drawn again when what it shows changed, and only then."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

import reports.kept as module
from reports import build
from reports.drawn import draw
from reports.figures import Figure
from reports.kept import FOLDER, KeptPictures

DRAWN: list[float] = []


def draw_line(theme, heights):
    DRAWN.append(float(heights.sum()))
    canvas = Canvas()
    canvas.subplots().plot(heights)
    return canvas


def line(heights, slug="line", finding="1."):
    chart = partial(draw_line, heights=np.asarray(heights, dtype=float))
    return Figure(slug, "?", finding, "", "A line.", pd.DataFrame({"x": heights}), chart)


@pytest.fixture
def kept(tmp_path):
    DRAWN.clear()
    return KeptPictures(tmp_path)


def test_unchanged_data_are_not_drawn_again(kept, tmp_path):
    first = draw(line([1, 2]), kept)
    again = draw(line([1, 2], finding="Other words."), KeptPictures(tmp_path))
    assert len(DRAWN) == 1
    assert (again.light, again.dark) == (first.light, first.dark)


def test_changed_data_are_drawn_and_the_old_picture_goes(kept, tmp_path):
    first = draw(line([1, 2]), kept)
    draw(line([5], slug="line-2"), kept)
    second = draw(line([1, 3]), kept)
    assert len(DRAWN) == 3
    assert second.light != first.light
    names = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert len(names) == 4
    assert sum(name.startswith("line-2-") for name in names) == 2


def test_changed_code_draws_again(kept, tmp_path, monkeypatch):
    draw(line([1, 2]), kept)
    monkeypatch.setattr(module, "code_digest", lambda: "other")
    draw(line([1, 2]), KeptPictures(tmp_path))
    assert len(DRAWN) == 2


def test_a_format_that_is_not_kept_yet_is_drawn(kept):
    draw(line([1, 2]), kept)
    drawn = draw(line([1, 2]), kept, ("svg",))
    assert drawn.vectors["svg"].startswith(b"<?xml")
    count = len(DRAWN)
    assert draw(line([1, 2]), kept, ("svg",)).vectors == drawn.vectors
    assert len(DRAWN) == count


def test_what_hides_its_data_is_always_drawn(kept):
    def hidden(theme):
        return draw_line(theme, np.ones(2))

    figure = Figure("f", "?", "1.", "", "A line.", pd.DataFrame(), hidden)
    draw(figure, kept)
    draw(figure, kept)
    assert len(DRAWN) == 2


def test_a_sweep_read_again_gives_the_same_keys(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.kl_weights = (2,), (0.1,)
    report = build(sweep_writer.write()).parent
    before = {path: path.stat().st_mtime_ns for path in (report / FOLDER).iterdir()}
    assert len(before) > 20
    build(sweep_writer.directory)
    assert {path: path.stat().st_mtime_ns for path in (report / FOLDER).iterdir()} == before
