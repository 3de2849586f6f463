"""What every figure of a report has in common, and that findings state what the data says."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from reports.figures import Missing, render, sections
from reports.figures.rate import active_units
from reports.figures.small_multiples import prior_samples
from reports.study import main_study
from reports.style import DARK, LIGHT
from reports.sweep import read_sweep


@pytest.fixture(scope="module")
def means(study) -> pd.DataFrame:
    keys = ["family", "latent_dim", "kl_weight"]
    return study.runs.groupby(keys, dropna=False).mean(numeric_only=True).reset_index()


def at(means: pd.DataFrame, latent_dim: int, kl_weight: float | None = None) -> pd.Series:
    rows = means[means["latent_dim"] == latent_dim]
    same = rows["kl_weight"].isna() if kl_weight is None else rows["kl_weight"] == kl_weight
    return rows[same].iloc[0]


def test_a_full_sweep_answers_every_question_it_has_data_for(study, figures):
    missing = [answer.title for section in sections(study) for answer in section.missing]
    assert missing == [
        "What is the rate made of?",
        "Does a density fitted to the codes make the AE a generator?",
        "Does one latent dimension stand for one factor?",
        "Do the devices give the same results?",
    ]
    assert len(figures) == 24


def test_every_figure_asks_a_question_and_answers_it(figures):
    for figure in figures.values():
        assert figure.title.endswith("?"), figure.slug
        assert re.search(r"\d", figure.finding), figure.slug
        assert figure.finding.endswith("."), figure.slug
        assert figure.alt.endswith("."), figure.slug
        assert len(figure.data), figure.slug
        assert "nan" not in f"{figure.finding} {figure.note}".lower(), figure.slug


def test_intervals_are_stated_wherever_seeds_are_averaged(figures):
    averaged = [figure for figure in figures.values() if {"mean", "n"} <= set(figure.data)]
    assert len(averaged) >= 8
    for figure in averaged:
        assert {"low", "high"} <= set(figure.data), figure.slug
        assert "95 % interval" in figure.note, figure.slug
        assert re.search(r"\b3 seeds", figure.note), figure.slug


@pytest.mark.parametrize("slug", ["reconstruction", "latent-map"])
def test_a_picture_has_exactly_the_background_of_its_page(figures, slug):
    for content, theme in zip(render(figures[slug]), (LIGHT, DARK), strict=True):
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        red, green, blue = picture.getpixel((0, 0))
        assert f"#{red:02x}{green:02x}{blue:02x}" == theme.background
        assert picture.width >= 700
        pixels = np.asarray(picture)
        rows = (pixels != pixels[0, 0]).any(axis=(1, 2))
        assert rows[:10].any()
        assert rows[-10:].any()


def test_images_are_not_negatives_on_a_dark_page(figures):
    light, dark = (
        np.asarray(Image.open(io.BytesIO(content)).convert("L"), dtype=int)
        for content in render(figures["decoded-samples"])
    )
    middle = (slice(light.shape[0] // 3, None), slice(None))
    gutters = Image.new("RGB", (1, 1), LIGHT.grid).convert("L").getpixel((0, 0))
    inside = (light[middle] != 255) & (np.abs(light[middle] - gutters) > 6)
    assert np.corrcoef(light[middle][inside], dark[middle][inside])[0, 1] > 0.95


def test_reconstruction_states_the_means(figures, means):
    finding = figures["reconstruction"].finding
    vae = means[(means["latent_dim"] == 16) & (means["family"] == "vae")]
    lowest = vae.loc[vae["test_mse"].idxmin()]
    assert f"the AE has a test MSE of {at(means, 16)['test_mse']:.5f} ±" in finding
    assert f"(KL weight {lowest['kl_weight']:g}) {lowest['test_mse']:.5f} ±" in finding
    times = at(means, 16, 1.0)["test_mse"] / lowest["test_mse"]
    assert f"KL weight 1 has {times:.1f} times that" in finding


def test_rate_states_both_ends(figures, means):
    first, last = (at(means, 16, weight)["test_rate_nats"] for weight in (0.003, 1.0))
    numbers = re.findall(r"([\d.]+) ± [\d.]+ at KL weight ([\d.]+)", figures["rate"].finding)
    assert [float(value) for value, _ in numbers] == pytest.approx([first, last], rel=0.01)
    assert [weight for _, weight in numbers] == ["0.003", "1."]


def test_rate_distortion_states_the_change_of_both(figures, means):
    start, middle = at(means, 16, 0.003), at(means, 16, 0.1)
    drop = start["test_rate_nats"] - middle["test_rate_nats"]
    rise = middle["test_distortion_nats"] - start["test_distortion_nats"]
    found = re.search(
        r"from KL weight 0\.003 to 0\.1 the rate falls by ([\d.]+) nats and the distortion "
        r"rises by ([\d.]+)",
        figures["rate-distortion"].finding,
    )
    assert [float(number) for number in found.groups()] == pytest.approx([drop, rise], rel=0.01)


def test_active_units_state_the_largest_latent_space(figures, means):
    assert figures["active-units"].finding.startswith("Of 32 latent dimensions the AE uses 16 ± 0")
    assert f"{at(means, 32, 1.0)['active_units']:g} ± 0 at KL weight 1" in (
        figures["active-units"].finding
    )


def test_no_interval_of_active_units_goes_beyond_the_latent_dimension(study):
    runs = study.runs.copy()
    runs["active_units"] = runs["latent_dim"] / (1 + (runs["seed"] == 0))
    data = active_units(replace(study, runs=runs)).data
    assert (data["mean"] + data["half_width"] > data["latent_dim"]).all()
    assert (data["high"] == data["latent_dim"]).all()


def test_sample_quality_puts_the_ae_beside_the_vae(figures, means):
    numbers = [float(n) for n in re.findall(r"([\d.]+) ±", figures["prior-samples"].finding)]
    vae = means[(means["latent_dim"] == 16) & (means["family"] == "vae")]["prior_coverage"].max()
    assert numbers == pytest.approx([vae, at(means, 16)["prior_coverage"]], abs=6e-4)
    assert set(figures["prior-samples"].data["family"]) == {"ae", "vae"}


def test_probes_state_their_controls(figures, study):
    figure = figures["linear-probe"]
    assert "pixels 0.950" in figure.finding
    assert list(dict.fromkeys(figure.data["column"]))[:4] == [
        "pixels",
        "PCA",
        "random\nencoder",
        "AE",
    ]
    pca = figure.data.query("column == 'PCA' and latent_dim == 8")["mean"].iloc[0]
    assert pca == pytest.approx(
        study.runs.query("latent_dim == 8")["probe_linear_accuracy_pca"].mean()
    )


def test_paired_differences_count_intervals_on_one_side_of_zero(figures):
    data = figures["paired-differences"].data
    coverage = data[data["metric"] == "prior_coverage"]
    better = int((coverage["low"] > 0).sum())
    assert f"coverage {better} better" in figures["paired-differences"].finding
    assert len(data) == 90


def test_sensitivity_states_what_an_axis_gets_by_chance(figures):
    note = figures["sensitivity"].note
    for axis, levels in (("latent dimension", 5), ("KL weight", 6), ("seed", 3)):
        noise = np.random.default_rng(0).normal(size=(20_000, 90))
        groups = noise.reshape(20_000, levels, -1)
        between = 90 * groups.mean(axis=2).var(axis=1)
        share = 100 * (between / (90 * noise.var(axis=1))).mean()
        stated = float(re.search(rf"{axis} ([\d.]+) %", note).group(1))
        assert stated == pytest.approx(share, abs=0.1)


def test_throughput_states_the_median_repeat(figures, study):
    rows = study.sweep.throughput.query("phase == 'train' and latent_dim == 8")
    median = rows.query("objective == 'vae'")["samples_per_s"].median()
    assert f"VAE on cpu {float(f'{median:.2e}'):,.0f} samples/s" in figures["throughput"].finding


def test_training_curves_state_the_fall_of_the_last_tenth(figures):
    data = figures["training-curves"].data
    errors = data[data["quantity"] == "squared_error"]
    last, near = (errors[errors["epoch"] == epoch]["mean"].to_numpy() for epoch in (40, 36))
    median = 100 * np.median(1 - last / near)
    assert f"and by −{median:.1f} % in the median" in figures["training-curves"].finding


def test_large_sweeps_draw_a_bounded_number_of_series(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = tuple(range(2, 22)), False
    sweep_writer.kl_weights = tuple(np.geomspace(0.001, 1, 20).round(4).tolist())
    sweep_writer.seeds, sweep_writer.skipped_devices = (0, 1), ()
    found = sections(main_study(read_sweep(sweep_writer.write())))
    figures = {figure.slug: figure for section in found for figure in section.figures}
    rate = figures["rate"]
    assert rate.data["latent_dim"].nunique() == 7
    assert "13 latent dimensions not drawn." in rate.note
    assert figures["reconstruction"].data["kl_weight"].nunique() == 7
    assert "13 KL weights not drawn." in figures["reconstruction"].note
    for figure in figures.values():
        for column, noun in (("latent_dim", "latent dimension"), ("kl_weight", "KL weight")):
            count = figure.data[column].nunique() if column in figure.data else 20
            at_one_level = column == "latent_dim" and count == 1
            if count < 20 and not at_one_level:
                assert f" {20 - count} {noun}s not drawn." in figure.note, figure.slug


def test_several_families_get_figures_of_their_own(sweep_writer):
    sweep_writer.objectives = ("ae", "vae", "iwae")
    sweep_writer.latent_dims, sweep_writer.pictures = (2,), False
    found = sections(main_study(read_sweep(sweep_writer.write())))
    titles = {figure.slug: figure.title for section in found for figure in section.figures}
    assert titles["rate"].endswith("(VAE)")
    assert titles["rate-2"].endswith("(iwae)")
    assert sum(slug.startswith("throughput") for slug in titles) == 1


def test_metrics_that_were_measured_are_drawn(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    sweep_writer.columns = {
        "mutual_information_gap": 0.31,
        "sap": 0.12,
        "mutual_information_nats": 5.0,
        "gmm_coverage": 0.9,
        "importance_samples": 64,
        "test_log_likelihood_nats": -40.0,
    }
    found = sections(main_study(read_sweep(sweep_writer.write())))
    figures = {figure.slug: figure for section in found for figure in section.figures}
    assert "mutual information gap is 0.31 ± 0" in figures["disentanglement"].finding
    assert set(figures["disentanglement"].data["metric"]) == {"mutual_information_gap", "sap"}
    assert "mixture coverage is 0.9 ± 0" in figures["fitted-samples"].finding
    assert "a lower bound from 64 importance samples" in figures["likelihood"].note
    assert "at KL weight" not in figures["rate-parts"].note


def test_a_latent_dimension_keeps_its_colour_where_others_were_not_measured(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (2, 8), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    runs.loc[runs["latent_dim"] == 2, "prior_coverage"] = np.nan
    runs.to_parquet(directory / "results.parquet")
    found = sections(main_study(read_sweep(directory)))
    figures = {figure.slug: figure for section in found for figure in section.figures}
    canvas = figures["prior-samples"].draw(LIGHT)
    coverage, precision, *_ = (
        {
            bars.get_label(): bars.lines[0].get_color()
            for bars in ax.containers
            if len(bars.lines[0].get_xdata())
        }
        for ax in canvas.axes
    )
    assert coverage["8"] == precision["8"] != precision["2"]
    assert "2" not in coverage


def test_a_metric_of_no_dimension_that_is_drawn_has_no_panel(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.kl_weights = tuple(range(2, 22)), (0.1,)
    sweep_writer.pictures = False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    runs.loc[runs["latent_dim"] != 4, "prior_coverage"] = np.nan
    runs.to_parquet(directory / "results.parquet")
    figure = prior_samples(main_study(read_sweep(directory)))
    assert set(figure.data["metric"]) == {
        "prior_precision", "prior_recall", "prior_density", "prior_frechet"
    }  # fmt: skip
    assert "precision is" in figure.finding
    titles = [ax.get_title() for ax in figure.draw(LIGHT).axes]
    assert [title.split(" (")[0] for title in titles[:2]] == ["precision", "recall"]


def test_pictures_that_cannot_be_read_are_said(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (2,), False
    found = sections(main_study(read_sweep(sweep_writer.write())))
    reasons = [answer for section in found for answer in section.missing]
    assert all(isinstance(answer, Missing) for answer in reasons)
    assert sum("samples.npz does not exist" in answer.reason for answer in reasons) == 9
