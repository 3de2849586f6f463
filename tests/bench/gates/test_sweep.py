"""Which runs of a sweep are seeds of one figure."""

from itertools import product

import pandas as pd

from bench.gates.sweep import GATED, qualities
from bench.plan.spec import SweepAxes

ALONE = {
    "objective": "vae",
    "latent_dim": 4,
    "kl_weight": 0.1,
    "recon_weight": 1.0,
    "posterior": "diagonal",
    "latent_samples": 1,
    "device": "cpu",
    "dtype": "float32",
    "seed": 0,
}


def runs(*changes):
    """Two seeds of every configuration, whose qualities are the number of the configuration."""
    return pd.DataFrame(
        ALONE | change | {"seed": seed} | dict.fromkeys(GATED, float(number))
        for (number, change), seed in product(enumerate(changes), (0, 1))
    )


def figures(table):
    return {label: values["test_mse"] for label, values, _ in qualities(table)}


def test_runs_that_differ_in_their_seed_alone_are_one_figure():
    assert figures(runs({})) == {"runs": [0.0, 0.0]}


def test_every_axis_of_a_sweep_parts_the_figures():
    others = {"objective": "ae", "posterior": "full", "device": "cuda", "dtype": "bfloat16"}
    assert ALONE.keys() == SweepAxes.model_fields.keys()
    for axis in ALONE.keys() - {"seed"}:
        found = figures(runs({}, {axis: others.get(axis, 9)}))
        assert list(found.values()) == [[0.0, 0.0], [1.0, 1.0]], axis


def test_what_follows_from_the_objective_is_not_named():
    autoencoder = {"objective": "ae", "kl_weight": None, "posterior": "point"}
    assert figures(runs(autoencoder | {"latent_samples": None}, {})) == {
        "ae": [0.0, 0.0],
        "vae,0.1": [1.0, 1.0],
    }
