"""What pictures of single runs say: reconstructions, the plane of codes, walks through it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reports.figures.manifold import roughness
from reports.figures.sampling import evenness
from reports.showcase import showcase
from reports.style import LIGHT


def test_pictures_are_of_the_runs_they_name(figures, study):
    shown = showcase(study)
    assert {int(run["latent_dim"]) for run in shown.values()} == {16}
    for slug in ("decoded-samples", "reconstructions", "interpolations"):
        assert figures[slug].data["run_id"].unique().tolist() == [
            run["run_id"] for run in shown.values()
        ]


def test_reconstructions_state_the_error_of_each_group(figures, study):
    rows = figures["reconstructions"].data
    run_id = rows["run_id"].iloc[-1]
    (mse,) = study.sweep.arrays(run_id, "ranked_mse")
    assert rows.loc[rows["run_id"] == run_id, "group"].tolist() == (
        ["best"] * 4 + ["median"] * 4 + ["worst"] * 4
    )
    worst = re.findall(r"worst ([\d.]+)", figures["reconstructions"].finding)[-1].rstrip(".")
    assert float(worst) == pytest.approx(mse[-4:].mean(), rel=0.01)


def test_the_latent_map_counts_gaps_that_decode_to_something_real(figures):
    gaps = figures["latent-map"].data.dropna(subset=["gap"])
    assert gaps.groupby("configuration")["gap"].agg("".join).tolist() == ["ABCDEF", "ABCDEF"]
    for name, rows in gaps.groupby("configuration"):
        part = figures["latent-map"].finding.split(f"{name}: ")[1]
        assert f"of 6 points between codes {rows['among_real_images'].sum()} decode" in part


def test_ellipses_state_the_width_of_the_posterior_at_each_weight(figures, study):
    data = figures["posterior-ellipses"].data
    assert data["kl_weight"].unique().tolist() == [0.003, 0.03, 1.0]
    widths = data.groupby("kl_weight")["variance_z1"].median() ** 0.5
    numbers = re.findall(r"([\d.]+) at KL weight", figures["posterior-ellipses"].finding)
    assert data.groupby("kl_weight").size().tolist() == [60, 60, 60]
    assert [float(n) for n in numbers] == pytest.approx(widths.tolist(), rel=0.05)


def test_whole_ellipses_lie_within_their_panels(figures):
    figure = figures["posterior-ellipses"]
    canvas = figure.draw(LIGHT)
    for ax, (_, rows) in zip(canvas.axes, figure.data.groupby("kl_weight"), strict=True):
        for axis, (low, high) in (("z1", ax.get_xlim()), ("z2", ax.get_ylim())):
            reach = 2 * rows[f"variance_{axis}"] ** 0.5
            assert (rows[axis] - reach).min() > low
            assert (rows[axis] + reach).max() < high


def test_traversals_state_how_much_the_first_and_the_last_row_change(figures, study):
    data = figures["traversals"].data
    run = data[data["family"] == "vae"]
    (walks,) = study.sweep.arrays(run["run_id"].iloc[0], "traversals")
    first = np.abs(walks[0, -1] / 255 - walks[0, 0] / 255).mean()
    assert f"z1 by {first:.2f}" in figures["traversals"].finding.split("VAE")[1]
    assert run["rate_nats"].is_monotonic_decreasing


def test_the_latent_map_counts_codes_inside_the_circle(figures):
    data = figures["latent-map"].data.dropna(subset=["label"])
    for name, codes in data.groupby("configuration"):
        share = 100 * (np.hypot(codes["z1"], codes["z2"]) < 2).mean()
        assert f"{name}: {float(f'{share:.1e}'):g} % of codes" in figures["latent-map"].finding


def test_evenness_of_equal_steps_is_one_and_of_one_jump_its_share():
    even = np.arange(9, dtype=float)[None, :, None, None] * np.ones((2, 1, 3, 3))
    assert evenness(even) == pytest.approx(1.0)
    jump = np.array([0.0, 0, 0, 0, 1])[None, :, None, None]
    assert evenness(jump) == pytest.approx(0.25)
    assert np.isnan(evenness(np.zeros((1, 5, 2, 2))))


def test_roughness_of_a_plane_is_one():
    plane = np.add.outer(np.arange(5.0), np.arange(5.0))[..., None, None]
    assert roughness(plane) == pytest.approx(1.0)
    plane[2, 2] += 3
    assert roughness(plane) > 2
