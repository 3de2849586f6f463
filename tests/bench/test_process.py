"""Memory that is freed is kept: taking as much again costs no page faults."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import sys

from bench.process import keep_freed_memory

def touch():
    b"x" * (1 << 26)

if sys.argv[1] == "kept":
    keep_freed_memory()
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(what):
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS, what], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_that_is_taken_again_costs_no_page_faults():
    assert faults("kept") < faults("given back") / 10
