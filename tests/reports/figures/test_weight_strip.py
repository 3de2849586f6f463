"""One image decoded across KL weights, also where all images decode to one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.figures import Figure, Missing
from reports.figures.weight_strip import STRIP_TITLE, weight_strip
from reports.study import main_study
from reports.sweep import read_sweep


@pytest.fixture
def sweep(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.kl_weights = (2,), (0.1, 1.0)
    return sweep_writer.write()


def test_states_how_much_of_the_contrast_is_left(sweep):
    figure = weight_strip(main_study(read_sweep(sweep)))
    first, last = figure.data["contrast_across_images"].iloc[[1, -1]]
    assert f"differ {100 * last / first:.0f} % as much as they did" in figure.finding


def test_images_that_decode_alike_at_every_weight_are_said(sweep):
    for path in sweep.glob("artifacts/vae-*/samples.npz"):
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez(path, **arrays | {"reconstructions": np.full_like(arrays["originals"], 7)})
    figure = weight_strip(main_study(read_sweep(sweep)))
    assert isinstance(figure, Figure)
    assert figure.finding.endswith("and different images decode alike at both.")


def test_one_weight_of_the_seed_shown_is_no_strip(sweep):
    runs = pd.read_parquet(sweep / "results.parquet")
    absent = (runs["kl_weight"] == 1.0) & (runs["seed"] == 0)
    runs[~absent].to_parquet(sweep / "results.parquet")
    answer = weight_strip(main_study(read_sweep(sweep)))
    assert answer == Missing(STRIP_TITLE, "fewer than two KL weights were run")
