"""Runs the tests of the kernels under Triton's interpreter, which is chosen at import time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernels.backend import TRITON_INTERPRETED

HERE = Path(__file__).parent
KERNEL_TESTS = [
    *(HERE / f"test_{name}.py" for name in ("fused", "mlp", "adam", "gather", "losses")),
    HERE.parent / "vae_core" / "test_training_by_kernels.py",
]


@pytest.mark.skipif(TRITON_INTERPRETED, reason="already under the interpreter")
def test_kernels_pass_under_the_interpreter():
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *KERNEL_TESTS]
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "skipped" not in result.stdout.splitlines()[-1]
