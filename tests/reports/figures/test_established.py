from __future__ import annotations

import pytest

from reports.figures import Figure, Missing
from reports.figures.established import TITLE, established
from reports.study import main_study
from reports.sweep import read_sweep


@pytest.fixture(scope="module")
def figure(default_sweep) -> Figure:
    return established(main_study(read_sweep(default_sweep)))


def test_the_finding_speaks_of_every_purpose(figure):
    for label in ("test MSE", "coverage"):
        assert f"{label}: the VAE is " in figure.finding
    # the writer's three seeds differ by one and the same step in it
    assert "accuracy: no difference between VAE and AE is established" in figure.finding
    assert "for all 33 comparisons" in figure.note


def test_both_intervals_and_both_p_values_are_in_the_table(figure):
    columns = {"low", "high", "bootstrap_low", "bootstrap_high", "p", "p_holm", "n", "verdict"}
    assert columns <= set(figure.data)
    assert (figure.data["p"] <= figure.data["p_holm"]).all()


def test_weights_alone_are_compared_with_one_another(sweep_writer):
    sweep_writer.objectives, sweep_writer.pictures = ("vae",), False
    figure = established(main_study(read_sweep(sweep_writer.write())))
    assert figure.data["against"].notna().all()
    assert figure.finding.endswith("of 15 steps between KL weights are established.")


def test_one_seed_establishes_nothing(sweep_writer):
    sweep_writer.seeds, sweep_writer.pictures = (0,), False
    missing = established(main_study(read_sweep(sweep_writer.write())))
    assert missing == Missing(TITLE, "one seed: noise cannot be told from effect")


def test_an_ae_alone_has_nothing_to_differ_from(sweep_writer):
    sweep_writer.objectives, sweep_writer.pictures = ("ae",), False
    assert isinstance(established(main_study(read_sweep(sweep_writer.write()))), Missing)
