from __future__ import annotations

import pandas as pd
import pytest

from reports.measurements import FILES, machine, read_measurements
from reports.sweep import SweepError


def test_an_empty_directory_holds_nothing(tmp_path):
    measured = read_measurements(tmp_path)
    assert measured.is_empty
    assert measured.environments == {}
    assert measured.repeat_count == 0


def test_one_kernel_table_is_enough(tmp_path):
    row = {"arch": "sm_90", "pass": "forward", "slots_per_element": 35.0}
    pd.DataFrame([row]).to_parquet(tmp_path / "kernel_audit.parquet")
    measured = read_measurements(tmp_path)
    assert not measured.is_empty
    assert measured.has_kernels
    assert not measured.has_throughput
    assert measured.kernel_audit["slot_budget"].isna().all()
    assert measured.kernel_audit["dtype"].tolist() == [""]


def test_cases_that_could_not_be_timed_count_as_measured(tmp_path):
    rows = {"device": ["cuda"], "engine": ["fused"], "repeat": [None], "reason": ["no GPU"]}
    pd.DataFrame(rows).to_parquet(tmp_path / "throughput_benchmark.parquet")
    measured = read_measurements(tmp_path)
    assert measured.has_throughput
    assert measured.repeat_count == 0


@pytest.mark.parametrize("name", FILES)
def test_a_torn_file_is_named(tmp_path, name):
    (tmp_path / name).write_text("" if name.endswith(".csv") else "torn")
    with pytest.raises(SweepError, match=rf"{name}: (cannot be read as|not JSON)"):
        read_measurements(tmp_path)


def test_a_machine_is_named_as_far_as_it_is_known():
    environment = {"gpu": "NVIDIA H200", "cpu": "AMD EPYC", "threads": 2, "torch": "2.13.0"}
    assert machine(environment) == "NVIDIA H200, AMD EPYC, 2 threads, torch 2.13.0"
    assert machine(environment, gpu_only=True) == "NVIDIA H200, torch 2.13.0"
    assert machine({"gpu": None, "cpu": "AMD EPYC", "threads": 1}) == "AMD EPYC, 1 thread"
    assert machine({}) == "an unnamed machine"
