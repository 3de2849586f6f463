"""A copy with something wrong is stopped, an untouched copy passes.

In the figures that are the same each time, in seconds; ``python -m bench.gates.trial`` does it with
times too, on the whole gate, many times over.
"""

import shutil
from pathlib import Path

import pytest
import torch

from bench.gates import baseline
from bench.gates.baseline import MachineBaseline
from bench.gates.command import ROOT
from bench.gates.comparison import with_baseline
from bench.gates.gate import TESTS, Request, run_gate
from bench.gates.machine import machine_class
from bench.gates.regressions import REGRESSIONS, copy_tree, inject

torch.set_num_threads(1)
pytestmark = pytest.mark.slow

BASELINE = Path("baseline.json")
ONLY = ("counts/epoch", "quality/kl", "small/")
SMALL = '''
"""A sweep of a second."""

from bench.plan import SweepSpec

SPEC = SweepSpec(
    name="small",
    data={"train_size": 256},
    model={"hidden": [16]},
    sweep={"objective": ["vae"], "latent_dim": [4], "kl_weight": [0.1], "seed": [0, 1, 2]},
    training={"epochs": 3, "batch_size": 64},
    metrics={"throughput": False, "geometry": False, "rate_decomposition": False},
)


def test_sweep(vae_gate):
    vae_gate.sweep(SPEC)
'''


def request_for(root):
    return Request(
        root=root,
        tests=TESTS,
        baseline=BASELINE,
        out=root / "out",
        command="test",
        only=ONLY,
        processes=1,
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A copy of this checkout with the baseline of its own machine."""
    tree = tmp_path_factory.mktemp("original") / "tree"
    copy_tree(ROOT, tree)
    (tree / TESTS / "test_small.py").write_text(SMALL)
    request = request_for(tree)
    entries = with_baseline(request.here, {}).entries(1, print)
    machine = MachineBaseline(provenance={}, entries=entries)
    baseline.update(tree / BASELINE, machine_class(), machine)
    return tree


@pytest.fixture
def copy(original, tmp_path):
    return shutil.copytree(original, tmp_path / "tree", ignore=shutil.ignore_patterns("out"))


def test_an_untouched_copy_passes(copy, capsys):
    assert run_gate(request_for(copy), None, print)
    assert "figures ok) in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("work", "counts/epoch[vae] matrix FLOP"),
        ("float64", "counts/epoch[vae] float64 operations"),
        ("synchronisation", "counts/epoch[ae] host reads"),
        ("kl", "quality/kl_and_its_gradient nats"),
        ("metric-kl", "quality/kl_and_its_gradient metric, nats"),
        ("split", "small/sweep runs probe_linear_accuracy_pixels"),
    ],
)
def test_a_regression_is_stopped_where_it_shows(copy, capsys, name, figure):
    inject(REGRESSIONS[name], copy)
    assert not run_gate(request_for(copy), None, print)
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith(figure + "  "))
    assert line.endswith(("MORE", "OUTSIDE"))


def test_a_test_that_is_gone_is_stopped(copy, capsys):
    (copy / TESTS / "test_counts.py").unlink()
    assert not run_gate(request_for(copy), None, print)
    assert capsys.readouterr().out.count("VANISHED") == 8 + 1  # figures, and the summary


def test_a_test_that_is_skipped_is_stopped_with_its_reason(copy, capsys):
    path = copy / TESTS / "test_counts.py"
    path.write_text(path.read_text() + "\n\npytestmark = pytest.mark.skip(reason='too strict')\n")
    assert not run_gate(request_for(copy), None, print)
    assert "DISABLED (Skipped: too strict)" in capsys.readouterr().out
