"""The closed form stands in the rate-distortion plane where runs have kept it."""

import numpy as np
import pytest

from reports.figures.rate_distortion import rate_distortion
from reports.study import main_study
from reports.sweep import read_sweep


@pytest.fixture
def linear(sweep_writer):
    """A sweep whose VAE runs keep a closed form with a rate of one nat less than measured."""
    sweep_writer.latent_dims, sweep_writer.kl_weights = (2,), (0.1, 1.0)
    directory = sweep_writer.write()
    runs = main_study(read_sweep(directory)).vae
    measured = runs.groupby("kl_weight")["test_rate_nats"].mean()
    for run_id in runs["run_id"]:
        path = directory / "artifacts" / run_id / "samples.npz"
        with np.load(path) as archive:
            arrays = dict(archive)
        arrays["closed_form_kl_weight"] = np.array([0.01, 0.1, 1.0, 10.0])
        arrays["closed_form_rate_nats"] = np.array([50, *(measured - 1), 0.0])
        arrays["closed_form_distortion_nats"] = np.array([1.0, 2.0, 3.0, 4.0])
        np.savez_compressed(path, **arrays)
    return main_study(read_sweep(directory))


def test_the_finding_states_the_largest_distance_from_the_closed_form(linear):
    figure = rate_distortion(linear)
    assert "within 1.0 nats of the closed form" in figure.finding
    assert "Dashed: the closed form" in figure.note
    theory = figure.data[figure.data["family"] == "closed form"]
    assert theory["kl_weight"].tolist() == [0.1, 1.0]


def test_no_closed_form_is_claimed_without_one(default_sweep):
    figure = rate_distortion(main_study(read_sweep(default_sweep)))
    assert "closed form" not in figure.finding + figure.note
