from __future__ import annotations

import tomllib
from dataclasses import replace

import pandas as pd
import pytest

from reports import runtable
from reports.runtable import run_table
from reports.sweep import read_sweep


def headings(table):
    return [name for name, _ in table.headings]


def test_every_run_is_a_row_with_its_details(default_sweep):
    sweep = read_sweep(default_sweep)
    table = run_table(sweep)
    assert len(table.rows) == len(table.details) == 210
    ids = [run_id for run_id, _ in table.rows]
    assert ids == sweep.runs["run_id"].tolist()
    spec = tomllib.loads(table.details["vae-16-0.1-2-cpu"]["toml"])
    assert spec["sweep"]["seed"] == [2]
    assert table.details["vae-16-0.1-2-cpu"]["picture"].startswith("data:image/png;base64,")
    assert "picture" not in table.details["vae-16-0.1-2-cuda"]


def test_cells_sort_by_the_number_and_show_it_rounded(default_sweep):
    sweep = read_sweep(default_sweep)
    table = run_table(sweep)
    column = headings(table).index("test MSE")
    run_id, cells = table.rows[0]
    value = sweep.runs.set_index("run_id").loc[run_id, "test_mse"]
    assert float(cells[column].sort) == pytest.approx(value)
    assert float(cells[column].text) == pytest.approx(value, rel=0.005)


def test_columns_that_say_nothing_are_left_out(default_sweep):
    assert "reconstruction weight" not in headings(run_table(read_sweep(default_sweep)))


def test_an_axis_that_the_verdict_holds_tells_rows_apart(default_sweep, monkeypatch):
    sweep = read_sweep(default_sweep)
    longer = sweep.runs.assign(run_id=sweep.runs["run_id"] + "-80", epochs=80.0)
    both = replace(sweep, runs=pd.concat([sweep.runs, longer], ignore_index=True))
    table = run_table(both)
    column = headings(table).index("epochs")
    assert {cells[column].text for _, cells in table.rows} == {"40", "80"}
    monkeypatch.setattr(runtable, "MOST_ROWS", 200)
    aggregated = run_table(both)
    assert len(aggregated.rows) == 140
    seeds = headings(aggregated).index("seeds")
    assert {cells[seeds].text for _, cells in aggregated.rows} == {"3"}


def test_very_many_runs_are_aggregated(default_sweep, monkeypatch):
    monkeypatch.setattr(runtable, "MOST_ROWS", 100)
    sweep = read_sweep(default_sweep)
    table = run_table(sweep)
    assert len(table.rows) == 70
    assert table.note == "210 runs: rows are means over the seeds of one configuration."
    assert table.details == {}
    mse, status = (headings(table).index(name) for name in ("test MSE", "status"))
    shown = [float(cells[mse].sort) for _, cells in table.rows if cells[status].text == "ok"]
    ok = sweep.runs[sweep.runs["status"] == "ok"]
    means = ok.groupby(["objective", "latent_dim", "kl_weight"], dropna=False)["test_mse"].mean()
    assert sorted(shown) == pytest.approx(sorted(means), rel=1e-8)


def test_pictures_stop_at_their_budget(default_sweep, monkeypatch):
    monkeypatch.setattr(runtable, "PICTURE_BUDGET_BYTES", 10_000)
    details = run_table(read_sweep(default_sweep)).details.values()
    sizes = [len(detail["picture"]) for detail in details if "picture" in detail]
    assert sum(sizes[:-1]) < 10_000
    assert len(sizes) < 105
