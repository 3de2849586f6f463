"""Examples run as their pages say, in a copy, with little data and one epoch."""

import runpy
import shutil
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.gates.command import ROOT

QUICK = {
    "training.epochs": "1",
    "training.batch_size": "32",
    "data.train_size": "128",
    "data.test_size": "64",
    "sweep.seed": "[0]",
    "metrics.probes": "false",
    "metrics.sample_quality": "false",
    "metrics.geometry": "false",
    "metrics.rate_decomposition": "false",
    "metrics.throughput": "false",
}
FOLDERS = ("bench", "docs", "kernels", "reports", "tests", "vae_core")


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Copy an example and work in it, with its packages importable."""

    def enter(name):
        ignore = shutil.ignore_patterns("__pycache__", "runs")
        copy = shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=ignore)
        monkeypatch.chdir(copy)
        monkeypatch.syspath_prepend(str(copy))
        return copy

    return enter


@pytest.fixture
def bench():
    """Run a command of the suite in this process and return what it said."""

    def invoke(*arguments):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


@pytest.fixture
def sweep(bench):
    """Run a sweep of one epoch and return its table."""

    def run(spec, out, **changes):
        settings = QUICK | {key.replace("__", "."): value for key, value in changes.items()}
        options = [part for pair in settings.items() for part in ("--set", "=".join(pair))]
        bench("run", spec, "--out", out, "--no-report", "--executor", "local", *options)
        runs = pd.read_parquet(f"{out}/results.parquet")
        assert set(runs["status"]) == {"ok"}
        return runs

    return run


@pytest.fixture
def script(monkeypatch, capsys):
    """Run a script of an example in this process and return what it printed."""

    def run(path, *arguments):
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        runpy.run_path(path, run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def patched_tree(tmp_path):
    """Copy the tree without what a patch does not need."""
    ignore = shutil.ignore_patterns("__pycache__", "images", "*.egg-info", "browser")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / "tree" / folder, ignore=ignore)
    shutil.copytree(ROOT / "examples", tmp_path / "tree" / "examples")
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "tree")
    return tmp_path / "tree"
