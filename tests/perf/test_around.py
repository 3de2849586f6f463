"""What surrounds training: planning, the store, the report."""

import io
import shutil
from itertools import count

import pytest

import reports
from bench.console import Console
from bench.executors import ExecutorRequest
from bench.pipeline import run_sweep
from bench.plan import SweepSpec, expand, group, load_spec
from bench.plan.loading import SWEEPS
from bench.results import RunRecord, Store
from bench.results.columns import COLUMNS

RUNS = 300


@pytest.fixture
def records():
    spec = SweepSpec(name="perf", sweep={"objective": ["vae"], "seed": list(range(RUNS))})
    numbers = [c.name for c in COLUMNS if c.measured and c.kind == "float"]
    values = {name: index / 7 for index, name in enumerate(numbers)}
    return [RunRecord(config=run, status="ok", values=values) for run in expand(spec, "hash")]


@pytest.fixture
def sweep(tmp_path):
    """The directory of two models with little to show: a report takes seconds for each family."""
    off = ("throughput", "probes", "sample_quality", "geometry", "rate_decomposition")
    overrides = [f"metrics.{family}=false" for family in off]
    overrides += ['sweep.objective=["vae"]', "sweep.latent_dim=[4]", "sweep.kl_weight=[0.1]"]
    spec = load_spec(SWEEPS / "quick.toml", overrides)
    run_sweep(
        spec,
        tmp_path / "sweep",
        console=Console(io.StringIO()),
        command="perf",
        executors=ExecutorRequest(name="local"),
        report=False,
    )
    return tmp_path / "sweep"


def test_planning(vae_gate, plain_python):
    axes = {"kl_weight": [0.1, 1.0], "latent_dim": [2, 4, 8], "seed": list(range(40))}

    def plan():
        return group(expand(SweepSpec(name="perf", sweep=axes), "hash"))

    vae_gate.time(plan, beside=plain_python)


def test_store_insert(vae_gate, plain_rows, records, tmp_path):
    numbers = count()

    def insert():
        path = tmp_path / f"{next(numbers)}.sqlite"
        with Store(path) as store:
            store.add(records)
        for file in tmp_path.glob(f"{path.name}*"):
            file.unlink()

    vae_gate.time(insert, beside=plain_rows)


def test_store_load(vae_gate, plain_rows, records, tmp_path):
    with Store(tmp_path / "results.sqlite") as store:
        store.add(records)
        vae_gate.time(lambda: [*store.rows()], beside=plain_rows)


def test_report_build(vae_gate, plain_pictures, sweep):
    def build():
        shutil.rmtree(sweep / "report", ignore_errors=True)
        return reports.build(sweep)

    vae_gate.time(build, beside=plain_pictures, tolerance=1.2)
