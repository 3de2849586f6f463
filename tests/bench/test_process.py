"""Workers keep the memory they free, and every library in them has one thread."""

import json
import os
import platform
import subprocess
import sys

import pytest

from bench.process import THREAD_VARIABLES

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


THREADS = """
import json

from bench.process import become_worker

become_worker()

import scipy.linalg
import sklearn.ensemble
import torch
from threadpoolctl import threadpool_info

pools = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
print(json.dumps(pools | {"torch": torch.get_num_threads()}))
"""


def test_libraries_loaded_before_and_after_have_one_thread_in_a_worker():
    environment = {name: v for name, v in os.environ.items() if name not in THREAD_VARIABLES}
    ran = subprocess.run(
        [sys.executable, "-c", THREADS], capture_output=True, text=True, check=True, env=environment
    )
    threads = json.loads(ran.stdout)
    assert len(threads) > 2
    assert set(threads.values()) == {1}, threads
