"""The command ``compare``: where its page goes, and one line for what cannot be compared."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app

ROWS = [
    {
        "run_id": f"{objective}{seed}",
        "status": "ok",
        "dataset": "digits",
        "objective": objective,
        "posterior": posterior,
        "latent_dim": 2,
        "kl_weight": kl_weight,
        "seed": seed,
        "test_mse": 0.1 + 0.01 * seed,
    }
    for objective, posterior, kl_weight in (("ae", "point", None), ("vae", "diagonal", 0.1))
    for seed in range(3)
]


@pytest.fixture
def invoke():
    return lambda *arguments: CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture
def sweep(tmp_path):
    def write(name, **columns):
        directory = tmp_path / name
        directory.mkdir()
        pd.DataFrame(ROWS).assign(**columns).to_parquet(directory / "results.parquet")
        return directory

    return write


def test_the_page_lies_in_the_second_sweep(invoke, sweep):
    first, second = sweep("a"), sweep("b")
    result = invoke(first, second)
    assert result.exit_code == 0
    page = second / "compared-with-a" / "index.html"
    assert result.output == f"comparison: {page}\n"
    assert page.is_file()


def test_the_page_goes_where_it_is_asked_for_with_vector_figures(invoke, sweep, tmp_path):
    result = invoke(sweep("a"), sweep("b"), "--out", tmp_path / "c", "--formats", "svg")
    assert result.exit_code == 0
    assert (tmp_path / "c" / "figures" / "outcomes.svg").is_file()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"dataset": "mnist"}, "different data sets (digits and mnist) cannot be compared"),
        ({"latent_dim": 3}, "no configuration in common"),
        ({"status": "failed"}, "no run is ok, so there is nothing to compare"),
        ({"status": "odd"}, "status 'odd' is unknown"),
    ],
)
def test_what_cannot_be_compared_is_one_line(invoke, sweep, columns, message):
    result = invoke(sweep("a"), sweep("b", **columns))
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert message in result.output
    assert result.output.count("\n") == 1


def test_what_is_no_sweep_is_one_line(invoke, sweep, tmp_path):
    result = invoke(sweep("a"), tmp_path / "absent")
    assert result.exit_code == 2
    assert "not a sweep directory: it has no results.parquet" in result.output
    assert result.output.count("\n") == 1
