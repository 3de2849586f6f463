"""The page of two sweeps."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports import SweepError, build_comparison
from reports.figures.changes import outcome_bars
from reports.pairing import pair
from reports.sweep import read_sweep


@pytest.fixture
def writer(sweep_writer):
    return replace(sweep_writer, latent_dims=(2, 8), kl_weights=(0.1, 1.0), pictures=False)


def second_of(writer, tmp_path, factor, **axes):
    """A second sweep with another MSE in every run."""
    directory = replace(writer, directory=tmp_path / "second", **axes).write()
    runs = pd.read_parquet(directory / "results.parquet")
    runs["test_mse"] *= factor
    runs.to_parquet(directory / "results.parquet")
    return directory


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8")))


def test_the_page_says_what_changed_and_what_did_not(writer, tmp_path):
    page = build_comparison(writer.write(), second_of(writer, tmp_path, 1.5), tmp_path / "out")
    text = text_of(page)
    assert "Reconstruction: test MSE of 6 configurations: 6 worse." in text
    assert "a change beyond seed noise" in text
    assert "Probing: linear-probe accuracy of 6 configurations: 6 equal." in text
    assert "6 of 6 differences are beyond seed noise" in text
    assert "18 pairs of runs of one configuration and seed, 18 of them" in text
    figures = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert figures == {"outcomes.png", "differences.png", "speed-ratio.png"}


def test_a_mean_over_all_is_one_over_runs_that_both_have(writer, tmp_path):
    first, second = writer.write(), second_of(writer, tmp_path, 1.5)
    runs = pd.read_parquet(second / "results.parquet")
    lacking = (runs["objective"] == "ae") & (runs["latent_dim"] == 2) & (runs["seed"] == 1)
    runs[~lacking].to_parquet(second / "results.parquet")
    text = text_of(build_comparison(first, second, tmp_path / "out"))
    before = pd.read_parquet(first / "results.parquet").query("status == 'ok'")
    both = before[(before["objective"] == "vae") | (before["latent_dim"] == 8)]["test_mse"].mean()
    assert (
        f"Over 5 with every seed in both its mean goes from {both:.4f} to {1.5 * both:.4f}" in text
    )


def test_tables_hold_every_difference(writer, tmp_path):
    out = tmp_path / "out"
    first, second = writer.write(), second_of(writer, tmp_path, 2.0)
    build_comparison(first, second, out)
    table = pd.read_csv(out / "tables" / "differences.csv")
    mse = table[table["metric"] == "test_mse"]
    np.testing.assert_allclose(mse["mean"], mse["first"])
    ratio = pd.read_csv(out / "tables" / "speed-ratio.csv")["ratio"]
    assert (ratio == 1).all()


def test_settings_that_differ_are_listed_and_markup_is_text(writer, tmp_path):
    hostile = '<script>alert(1)</script> "q" \N{TEST TUBE} ' + "long " * 40
    second = second_of(writer, tmp_path, 1.0, name=hostile)
    page = build_comparison(writer.write(), second, tmp_path / "out")
    html = page.read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2
    assert '<th scope="row">name</th><td data-label="A">digits</td>' in html


@pytest.mark.parametrize(
    "axes",
    [
        {"seeds": (0,)},
        {"seeds": (7, 8)},
        {"objectives": ("ae",)},
        {"objectives": ("vae",), "kl_weights": (1.0,)},
        {"drop": ("test_mse", "prior_coverage", "probe_linear_accuracy")},
    ],
    ids=str,
)
def test_odd_pairs_give_an_honest_page(writer, tmp_path, axes):
    second = replace(writer, directory=tmp_path / "second", **axes).write()
    text = text_of(build_comparison(writer.write(), second, tmp_path / "out"))
    assert "nan" not in text.lower().split()
    if axes.get("seeds") == (7, 8):
        assert "Welch" in text
    if "drop" in axes:
        assert "Reconstruction: test MSE was not measured in both." in text


def test_an_autoencoder_that_is_not_plain_has_its_place_beside_the_weights(writer, tmp_path):
    first, second = writer.write(), second_of(writer, tmp_path, 1.5)
    for directory in (first, second):
        runs = pd.read_parquet(directory / "results.parquet")
        runs = runs[runs["objective"] == "ae"].assign(objective="denoising-ae")
        runs.to_parquet(directory / "results.parquet")
    build_comparison(first, second, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "tables" / "differences.csv")
    assert set(table["family"]) == {"denoising-ae"}


def test_sweeps_that_share_no_metric_are_still_a_page(writer, tmp_path):
    first = writer.write()
    runs = pd.read_parquet(first / "results.parquet")
    second = replace(writer, directory=tmp_path / "second").write()
    runs[["run_id", "status", "dataset", "objective", "posterior", "latent_dim", "kl_weight",
          "seed"]].to_parquet(second / "results.parquet")  # fmt: skip
    text = text_of(build_comparison(first, second, tmp_path / "out"))
    assert "no metric was measured in both sweeps" in text


def test_what_is_no_sweep_is_refused_and_nothing_is_written(writer, tmp_path):
    with pytest.raises(SweepError, match="not a sweep directory"):
        build_comparison(writer.write(), tmp_path / "absent", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_metrics_that_the_bars_leave_out_are_said(writer, tmp_path, monkeypatch):
    first, second = (
        read_sweep(path) for path in (writer.write(), second_of(writer, tmp_path, factor=2))
    )
    pairing = pair(first, second)
    assert "metrics drawn" not in outcome_bars(pairing).note
    monkeypatch.setattr("reports.figures.changes.MOST_BARS", 2)
    note = outcome_bars(pairing).note
    assert f"2 of {len(pairing.metrics)} metrics drawn; the table has all." in note


def test_two_sweeps_of_one_name_are_told_apart_by_their_directories(writer, tmp_path):
    page = build_comparison(writer.write(), second_of(writer, tmp_path, 1.5), tmp_path / "out")
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page.read_text(encoding="utf-8"))
    assert heading == f"{writer.directory.name} → second"
