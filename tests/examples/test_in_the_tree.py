"""A new objective and a new metric: the patches apply, their tests pass, a sweep has them."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from .conftest import QUICK


def run(tree, *command):
    environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def apply(tree, patch):
    run(tree, "git", "init", "-q")  # a patch applies from the root of a repository
    run(tree, "git", "apply", "-C1", f"examples/{patch}")


def sweep(tree, name, *columns):
    options = [part for pair in QUICK.items() for part in ("--set", "=".join(pair))]
    options += ["--set", "sweep.kl_weight=[1.0]", "--set", "metrics.geometry=true"]
    spec = f"examples/{name}/sweep.toml"
    command = [sys.executable, "-m", "bench", "run", spec, "--out", "out", "--no-report"]
    run(tree, *command, "--executor", "local", *options)
    return pd.read_parquet(tree / "out" / "results.parquet", columns=list(columns))


@pytest.mark.slow
def test_a_new_objective(patched_tree):
    apply(patched_tree, "new-objective/objective.patch")
    tests = ("tests/vae_core/test_objectives.py", "-k", "wasserstein")
    assert "1 passed" in run(patched_tree, sys.executable, "-m", "pytest", "-q", *tests)
    runs = sweep(patched_tree, "new-objective", "objective", "status")
    assert dict(runs.value_counts()) == {
        ("ae", "ok"): 1,
        ("wae-mmd", "ok"): 1,
        ("vae", "ok"): 1,
    }


@pytest.mark.slow
def test_a_new_metric_outside_and_inside(patched_tree):
    apply(patched_tree, "new-metric/metric.patch")
    tests = ("tests/bench/metrics/test_participation.py",)
    assert "3 passed" in run(patched_tree, sys.executable, "-m", "pytest", "-q", *tests)
    inside = sweep(patched_tree, "new-metric", "participation_ratio")["participation_ratio"]
    assert inside.between(1, 16).all()
