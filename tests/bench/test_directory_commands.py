"""Commands on sweep directories: what they say and leave."""

import sys

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.plan import SweepSpec, expand
from bench.results import RunRecord, Store, SweepDirectory


@pytest.fixture
def invoke():
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def sweep(tmp_path):
    def sweep(name, seed):
        spec = SweepSpec.model_validate({"name": "s", "sweep": {"seed": [seed]}})
        runs = expand(spec, "h")
        with (
            SweepDirectory(tmp_path / name, spec) as directory,
            Store(directory.store_path) as store,
        ):
            store.add(RunRecord(config=run, status="failed", reason="no luck") for run in runs)
        return tmp_path / name

    return sweep


def test_merge_says_what_came_from_where(invoke, sweep, tmp_path):
    a, b = sweep("a", 0), sweep("b", 1)
    result = invoke("merge", a, b, "--out", tmp_path / "all")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{a}: 2 runs taken",
        f"{b}: 2 runs taken",
        "device  ok  failed  skipped",
        "cpu      0       4        0",
    ]


def test_merge_of_sweeps_that_had_no_time_to_finish_a_run(invoke, tmp_path):
    spec = SweepSpec.model_validate({"name": "s"})
    with SweepDirectory(tmp_path / "a", spec) as directory:
        Store(directory.store_path).close()
    result = invoke("merge", tmp_path / "a", "--out", tmp_path / "all")
    assert result.exit_code == 0
    assert result.output == f"{tmp_path / 'a'}: 0 runs taken\ndevice  ok  failed  skipped\n"


def test_export_writes_the_tables_where_it_is_told(invoke, sweep, tmp_path):
    result = invoke("export", sweep("a", 0), "--out", tmp_path / "tables")
    assert result.output == f"written: {tmp_path / 'tables'}\n"
    assert {f.name for f in (tmp_path / "tables").iterdir()} == {
        "results.csv",
        "results.parquet",
        "curves.parquet",
        "throughput.parquet",
    }


def test_export_to_a_tracker_says_how_many_runs_it_has(invoke, sweep, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    result = invoke("export", sweep("a", 0), "--to", "tensorboard", "--out", tmp_path / "logs")
    assert result.output == f"written: 2 runs to {tmp_path / 'logs'}\n"
    assert len(list((tmp_path / "logs" / "tensorboard" / "s").iterdir())) == 2


def test_export_without_the_tracker_is_one_line(invoke, sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "alembic", None)
    result = invoke("export", sweep("a", 0), "--to", "mlflow")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: --to mlflow: the package alembic is not installed; "
        "pip install -c constraints.txt -e '.[mlflow]'\n"
    )


def test_export_to_what_is_not_known_is_one_line(invoke, sweep):
    result = invoke("export", sweep("a", 0), "--to", "wandb")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: --to: 'wandb' is not allowed; tables, mlflow, tensorboard are\n"
    )


def test_repair_keeps_a_damaged_store_and_starts_another(invoke, sweep):
    a = sweep("a", 0)
    assert invoke("repair", a).output == f"{a / 'results.sqlite'} is sound\n"
    (a / "results.sqlite").write_bytes(b"junk" * 100)
    assert invoke("repair", a).output == (
        f"{a / 'results.sqlite'} was damaged; it lies in results.sqlite.damaged-1 now, "
        "0 runs could be read\n"
    )


@pytest.mark.parametrize("command", ["export", "repair"])
def test_what_is_no_sweep_directory_is_one_line(invoke, tmp_path, command):
    result = invoke(command, tmp_path)
    assert result.exit_code == 2
    assert (
        result.stderr == f"error: {tmp_path}: is no sweep directory with results (no spec.toml)\n"
    )
