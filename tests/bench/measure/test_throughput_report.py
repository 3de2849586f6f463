from __future__ import annotations

import json

import pandas as pd
import pytest
from pyarrow import parquet

from bench.measure import throughput_report
from bench.measure.throughput_report import METADATA_KEY, run_throughput
from bench.plan import SweepSpec
from kernels import BackendError
from reports.figures import speed_section
from reports.measurements import read_measurements

SPEC = SweepSpec.model_validate(
    {
        "name": "speed",
        "data": {"train_size": 128, "test_size": 40},
        "model": {"hidden": [8]},
        "sweep": {"latent_dim": [2, 3, 4]},
        "training": {"batch_size": 16},
    }
)


def run(out, *, spec=SPEC, **changes):
    given = {
        "engines": ["eager", "fused"],
        "repeats": 2,
        "memory": False,
        "command": "python -m bench throughput",
        "say": lambda line: None,
    }
    return run_throughput(spec, out, **(given | changes))


@pytest.fixture
def short(monkeypatch):
    """Time little, few sizes."""
    monkeypatch.setattr("bench.measure.throughput_timing.SECONDS_PER_REPEAT", 1e-4)
    whole = throughput_report.cases
    monkeypatch.setattr(
        throughput_report,
        "cases",
        lambda *given, **named: whole(*given, **named, cohort_sizes=(1, 2, 4)),
    )


def test_every_repeat_is_kept_with_the_machine_that_made_it(short, tmp_path):
    text = run(tmp_path)
    timed = pd.read_parquet(tmp_path / "throughput_benchmark.parquet")
    eager = timed[timed["engine"] == "eager"]
    assert (eager["samples_per_s"] > 0).all()
    assert set(eager["study"]) == {"latent", "batch", "cohort"}
    assert set(eager["repeat"]) == {0, 1}
    fused = timed[timed["engine"] == "fused"]
    assert fused["samples_per_s"].isna().all()
    assert fused["reason"].str.contains("triton").all()
    metadata = parquet.read_schema(tmp_path / "throughput_benchmark.parquet").metadata
    environment = json.loads((tmp_path / "throughput_environment.json").read_text(encoding="utf-8"))
    assert json.loads(metadata[METADATA_KEY]) == environment
    assert environment["command"] == "python -m bench throughput"
    assert "skipped: 66 cases" not in text
    assert f"skipped: {len(fused)} cases, fused on cpu" in text
    scaled = pd.read_csv(tmp_path / "throughput_scaling.csv")
    assert {"latent_dim", "cohort_size"} <= set(scaled["axis"])
    assert set(pd.read_csv(tmp_path / "throughput_vae_over_ae.csv")["phase"]) == {
        "train",
        "encode",
        "decode",
        "sample",
    }


def test_every_dtype_of_the_sweep_is_timed(short, tmp_path):
    sweep = {"latent_dim": [2], "dtype": ["float32", "bfloat16"], "device": ["cpu"]}
    spec = SweepSpec.model_validate(SPEC.model_dump() | {"sweep": sweep})
    run(tmp_path, spec=spec, engines=["eager"])
    timed = pd.read_parquet(tmp_path / "throughput_benchmark.parquet")
    assert set(timed["dtype"]) == {"float32", "bfloat16"}
    assert (timed["dtype"] == "float32").sum() == len(timed) / 2
    assert set(pd.read_csv(tmp_path / "throughput_scaling.csv")["dtype"]) == set(timed["dtype"])


def test_the_report_finds_every_column_that_is_written(short, tmp_path):
    run(tmp_path)
    measured = read_measurements(tmp_path)
    for table in (measured.throughput, measured.scaling, measured.vae_over_ae):
        absent = table.replace("", pd.NA).isna().all()
        assert set(absent.index[absent]) <= {"peak_memory_bytes", "baseline_memory_bytes"}
    assert measured.repeat_count == 2
    assert [answer.title for answer in speed_section(measured).figures] == [
        "What does a model cost when many train together?",
        "What does a larger latent space cost in speed?",
        "What does a larger batch gain in speed?",
        "What does a VAE cost in time over an AE?",
    ]


def test_an_unknown_engine_is_refused_before_anything_is_timed(tmp_path):
    with pytest.raises(BackendError, match="engine: 'quick' is unknown"):
        run(tmp_path / "out", engines=["quick"])
    assert not (tmp_path / "out").exists()
