"""The front of hand-built configurations."""

import numpy as np
import pandas as pd
import pytest

from reports.pareto import dominated, pareto_table
from reports.study import main_study
from reports.sweep import read_sweep


def test_a_row_is_dominated_by_one_that_is_nowhere_worse():
    costs = np.array([[1.0, 5.0], [2.0, 2.0], [2.0, 3.0], [5.0, 1.0], [6.0, 6.0], [2.0, 2.0]])
    assert dominated(costs).tolist() == [False, False, True, False, True, False]


def test_the_front_holds_the_best_of_each_purpose_and_nothing_dominated(default_sweep):
    study = main_study(read_sweep(default_sweep))
    table = pareto_table(study)
    columns = [purpose.metric.column for purpose in table.purposes]
    assert columns == ["test_mse", "probe_linear_accuracy", "prior_coverage"]
    keys = ["family", "latent_dim", "kl_weight"]
    means = study.runs.groupby(keys, dropna=False)[columns].mean()
    costs = means.to_numpy() * [1, -1, -1]
    expected = sum(
        not any((other <= row).all() and (other < row).any() for other in costs) for row in costs
    )
    assert table.note.startswith(f"{expected} of 35 configurations")
    best_at = " ".join(row.best_at for row in table.rows)
    for name in ("reconstruction", "probing", "generation"):
        assert name in best_at
    lowest = means["test_mse"].min()
    assert table.rows[0].scores[0].startswith(f"{lowest:.4f}"[:5])


@pytest.mark.parametrize("oddity", [{"drop": ("test_mse", "prior_coverage")}, {"one": True}])
def test_no_front_without_a_choice(sweep_writer, oddity):
    sweep_writer.pictures, sweep_writer.latent_dims = False, (2,)
    if "one" in oddity:
        sweep_writer.objectives, sweep_writer.kl_weights = ("vae",), (0.1,)
    sweep_writer.drop = oddity.get("drop", ())
    assert pareto_table(main_study(read_sweep(sweep_writer.write()))) is None


def test_a_configuration_without_every_purpose_does_not_compete(sweep_writer):
    sweep_writer.pictures, sweep_writer.latent_dims = False, (2, 4)
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    runs.loc[runs["latent_dim"] == 2, "prior_coverage"] = np.nan
    runs.to_parquet(directory / "results.parquet")
    table = pareto_table(main_study(read_sweep(directory)))
    assert all("latent 4" in row.name for row in table.rows)


def test_an_autoencoder_can_be_on_the_front(sweep_writer):
    sweep_writer.pictures, sweep_writer.latent_dims = False, (2, 4)
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    runs.loc[(runs["objective"] == "ae") & (runs["latent_dim"] == 4), "test_mse"] = 1e-4
    runs.to_parquet(directory / "results.parquet")
    first = pareto_table(main_study(read_sweep(directory))).rows[0]
    assert (first.name, first.scores[0]) == ("AE, latent 4", "0.0001 ± 0")
