"""A copy with something wrong is stopped, an untouched copy passes.

In the figures that are the same each time, in seconds; ``python -m bench.gates.trial`` does it with
times too, on the whole gate, many times over.
"""

import json
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


def verdicts(tree, capsys):
    """Verdicts by figure, and whether the gate lets the tree pass."""
    passes = run_gate(request_for(tree), None, print)
    capsys.readouterr()
    rows = json.loads((tree / "out" / "gate.json").read_text())["rows"]
    return passes, {row["name"]: row["verdict"] for row in rows}


def test_an_untouched_copy_passes(copy, capsys):
    passes, found = verdicts(copy, capsys)
    assert passes
    assert set(found.values()) == {"ok"}


def test_every_regression_is_stopped_where_it_alone_shows(copy, capsys):
    for regression in REGRESSIONS.values():
        inject(regression, copy)
    passes, found = verdicts(copy, capsys)
    assert not passes
    shows = {
        "work": ("counts/epoch[vae] matrix FLOP", "MORE"),
        "float64": ("counts/epoch[vae] float64 operations", "MORE"),
        "synchronisation": ("counts/epoch[ae] host reads", "MORE"),
        "kl": ("quality/kl_and_its_gradient gradient of mu", "OUTSIDE"),
        "metric-kl": ("quality/kl_and_its_gradient metric, nats", "OUTSIDE"),
        "split": ("small/sweep runs probe_linear_accuracy_pixels", "OUTSIDE"),
    }
    assert shows.keys() == REGRESSIONS.keys()
    assert {name: found[figure] for name, (figure, _) in shows.items()} == {
        name: verdict for name, (_, verdict) in shows.items()
    }


def test_a_test_that_is_skipped_or_gone_is_stopped(copy, capsys):
    counts = copy / TESTS / "test_counts.py"
    counts.write_text(counts.read_text() + "\n\npytestmark = pytest.mark.skip('too strict')\n")
    (copy / TESTS / "test_small.py").unlink()
    passes, found = verdicts(copy, capsys)
    assert not passes
    assert found["counts/epoch[ae] host reads"] == "DISABLED"
    assert found["small/sweep runs test_mse"] == "VANISHED"
    assert found["quality/kl_and_its_gradient nats"] == "ok"
