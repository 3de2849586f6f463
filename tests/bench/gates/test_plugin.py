"""The fixture as a user's test meets it, in pytest processes of its own."""

import os
import subprocess
import sys

import pytest

from bench.gates import records
from bench.gates.command import ROOT
from bench.gates.plugin import name_of

TESTS = """
import pytest

def test_speed(vae_gate):
    vae_gate.time(lambda: sum(range(3000)), beside=lambda: sum(range(1000)), tolerance=1.5)

def test_numbers(vae_gate):
    vae_gate.seeds({"mse": [1.0, 2.0, 3.0]}, resolution=0.1)
    vae_gate.count("parameters", 12, tolerance=1.1)
    vae_gate.closed_form("kl", 0.5, 0.5, tolerance=0.01)

@pytest.mark.skip(reason="not today")
def test_skipped(vae_gate):
    pass

def test_failing(vae_gate):
    raise RuntimeError("no model")

def test_twice(vae_gate):
    vae_gate.count("a", 1)
    vae_gate.count("a", 2)

def test_no_number(vae_gate):
    vae_gate.closed_form("kl", float("nan"), 0.5, tolerance=0.01)

def test_of_something_else():
    pass
"""


@pytest.fixture
def run(tmp_path):
    """Run the tests above; returns what pytest said and what was measured, if anything was."""
    (tmp_path / "test_mine.py").write_text(TESTS)

    def run(*arguments):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "bench.gates.plugin"]
        command += ["-p", "no:cacheprovider", *arguments, "test_mine.py"]
        # A process of its own is nobody's worker, whoever runs this test.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        environment = {**inherited, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        file = tmp_path / "r.json"
        found = records.read(file) if file.exists() else []
        return ran.stdout, {record.name: record for record in found}

    return run


def test_names_are_those_of_the_file_and_the_test():
    assert name_of("tests/perf/test_engine.py::test_step[ae]") == "engine/step[ae]"


def test_an_ordinary_session_tries_everything_and_judges_nothing(run):
    said, found = run()
    assert "1 failed, 5 passed, 1 skipped" in said  # twice the same name is an error of measuring
    assert found == {}


def test_a_measurement_has_every_figure_and_why_others_are_missing(run):
    said, found = run("--vae-gate", "r.json", "--benchmark-timer=time.process_time")
    assert "3 failed, 3 passed, 1 skipped" in said
    assert {name: record.kind for name, record in found.items()} == {
        "mine/speed": "timed",
        "mine/numbers mse": "seeds",
        "mine/numbers parameters": "count",
        "mine/numbers kl": "closed-form",
        "mine/skipped": "disabled",
        "mine/failing": "failed",
        "mine/twice a": "count",
        "mine/twice": "failed",
        "mine/no_number": "failed",
    }
    assert found["mine/skipped"].reason == "Skipped: not today"
    assert found["mine/failing"].reason == "RuntimeError: no model"
    assert found["mine/twice"].reason.startswith("ValueError: mine/twice a: is measured twice")
    assert "should be a finite number" in found["mine/no_number"].reason
    assert found["mine/speed"].tolerance == 1.5
    assert len(found["mine/speed"].beside_seconds) == len(found["mine/speed"].seconds) + 1


def test_disabled_benchmarks_are_no_measurement(run):
    _, found = run("--vae-gate", "r.json", "--benchmark-disable")
    assert found["mine/speed"].kind == "disabled"
    assert "--benchmark-disable" in found["mine/speed"].reason


@pytest.mark.parametrize("wanted", ["mine/num", "mine/numbers mse"], ids=["test", "figure"])
def test_only_what_is_asked_for_runs(run, wanted):
    said, found = run("--vae-gate", "r.json", "--vae-gate-only", wanted)
    assert "1 passed, 6 deselected" in said
    assert len(found) == 3
