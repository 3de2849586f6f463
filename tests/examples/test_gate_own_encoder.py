"""The example project gates its own encoder, as its README says, with the figures that are the same
each time.
"""

import os
import shutil
import subprocess
import sys

import pytest

from bench.gates.command import ROOT

pytestmark = pytest.mark.slow
EXAMPLE = ROOT / "examples" / "gate-own-encoder"


@pytest.fixture
def project(tmp_path):
    ignore = shutil.ignore_patterns("__pycache__", "runs")
    return shutil.copytree(EXAMPLE, tmp_path / "project", ignore=ignore)


def gate(project, *arguments):
    command = [sys.executable, "-m", "bench", "gate", "--tests", "tests/gate", "--processes", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_encoder_passes_until_it_is_made_worse(project):
    baseline = project / "tests" / "gate" / "baseline.json"
    baseline.unlink(missing_ok=True)  # it may be of another class of machines
    assert gate(project).returncode == 2
    assert gate(project, "--update-baseline").returncode == 0

    steady = ("--only", "encoder/quality", "--only", "encoder/size")
    same = gate(project, *steady)
    assert same.returncode == 0, same.stdout + same.stderr

    network = project / "ownproject" / "encoder.py"
    worse = network.read_text().replace("return x + self.inner(x)", "return 0 * x")
    network.write_text(worse)
    spoilt = gate(project, *steady)
    assert spoilt.returncode == 1
    assert "OUTSIDE" in spoilt.stdout
