"""The whole flow in one process: what is computed, kept, skipped, and taken up again."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

import bench.pipeline as module
from bench.executors import ExecutorRequest, LocalExecutor, Outcome
from bench.measure import throughput
from bench.plan import Cohort
from bench.results import Store
from vae_core import load

torch.set_num_threads(1)

IMPORTABLE = Path(__file__).parents[1] / "importable"


@pytest.fixture
def fast_clock(monkeypatch):
    monkeypatch.setattr(throughput, "REPEATS", 2)
    monkeypatch.setattr(throughput, "WARM_UP_CALLS", 1)
    monkeypatch.setattr(throughput, "SECONDS_PER_REPEAT", 1e-6)


def test_a_sweep_leaves_a_complete_directory(sweep, tmp_path, fast_clock, spec_of, table_of):
    out = tmp_path / "out"
    outcome, said = sweep(spec_of(metrics={"throughput": True}), command="python -m bench run x")
    assert (outcome.ok, outcome.failed, outcome.skipped) == (4, 0, 0)
    assert (outcome.exit_code, outcome.report, outcome.directory) == (0, None, out)
    assert said.splitlines()[0] == "small: 4 runs to train, together in 2 cohorts"
    assert said.count(" ok in ") == 3  # two cohorts, and all

    table = table_of(out)
    assert table.status.tolist() == ["ok"] * 4
    assert sorted(zip(table.objective, table.latent_dim, strict=True)) == [
        ("ae", 2), ("ae", 3), ("vae", 2), ("vae", 3),
    ]  # fmt: skip
    assert table.test_mse.between(0, 1).all()
    assert (table.train_samples_per_s > 0).all()
    assert len(pd.read_csv(out / "results.csv")) == 4
    curves = pd.read_parquet(out / "curves.parquet")
    assert {run_id: [*epochs] for run_id, epochs in curves.groupby("run_id").epoch} == {
        run_id: [1, 2] for run_id in table.index
    }
    assert len(pd.read_parquet(out / "throughput.parquet")) == 2 * 2 * 3 * 2
    environment = json.loads((out / "environment.json").read_text())
    assert environment["command"] == "python -m bench run x"
    assert environment["wall_seconds"] > 0


def test_every_run_that_is_ok_has_its_weights_and_pictures(sweep, tmp_path, table_of):
    sweep()
    table = table_of(tmp_path / "out")
    assert {f.name for f in (tmp_path / "out" / "artifacts").iterdir()} == set(table.index)
    for run_id, row in table.iterrows():
        folder = tmp_path / "out" / "artifacts" / run_id
        model = load(folder / "model.safetensors")
        assert (model.latent_dim, model.is_stochastic) == (row.latent_dim, row.objective == "vae")
        with np.load(folder / "samples.npz", allow_pickle=False) as pictures:
            assert pictures["reconstructions"].shape == (16, 8, 8)
            assert ("rate_per_dimension" in pictures) == (row.objective == "vae")
            assert ("manifold" in pictures) == (row.latent_dim == 2)


def test_the_same_command_again_computes_nothing_and_changes_nothing(
    sweep, tmp_path, fast_clock, no_executor, spec_of
):
    spec = spec_of(metrics={"throughput": True})
    first, _ = sweep(spec)
    kept = ("results.parquet", "curves.parquet", "throughput.parquet", "environment.json")
    before = {name: (tmp_path / "out" / name).read_bytes() for name in kept}
    no_executor()
    second, said = sweep(spec)
    assert second == first
    assert "4 of 4 runs are there already" in said
    assert {name: (tmp_path / "out" / name).read_bytes() for name in kept} == before


@pytest.fixture
def page(monkeypatch, table_of):
    """Reports that note what they are drawn from, and are current once they are."""
    stub = SimpleNamespace(drawn=[], progress=[])

    def build(directory, *, only_if_changed, formats, progress=""):
        assert only_if_changed
        assert formats == ("svg",)
        stub.drawn.append(table_of(directory).status.tolist())
        stub.progress.append(progress)
        return directory / "report" / "index.html"

    monkeypatch.setattr(module.reports, "build", build)
    monkeypatch.setattr(module.reports, "is_current", lambda *_: bool(stub.drawn))
    return stub


def test_the_report_is_drawn_from_finished_tables(sweep, tmp_path, page):
    outcome, said = sweep(report=True, formats=("svg",))
    assert page.drawn == [["ok"] * 4]
    assert outcome.report == tmp_path / "out" / "report" / "index.html"
    assert said.splitlines()[-1] == f"report: {outcome.report}"


def test_drawing_is_said_only_when_the_page_is_drawn(sweep, page):
    _, first = sweep(report=True, formats=("svg",))
    assert "drawing the report" in first
    _, again = sweep(report=True, formats=("svg",))
    assert "drawing the report" not in again


def test_a_live_page_is_drawn_when_a_cohort_has_finished(sweep, page):
    sweep(report=True, live=True, formats=("svg",))
    assert page.progress[0] == "2 of 4 runs so far"
    assert page.drawn[0] == ["ok"] * 2
    assert (page.drawn[-1], page.progress[-1]) == (["ok"] * 4, "")


def test_without_a_report_nothing_is_drawn_live(sweep, page):
    sweep(report=False, live=True)
    assert page.drawn == []


def test_a_run_that_overflows_is_a_failed_row_and_the_exit_code_says_so(
    sweep, tmp_path, spec_of, table_of
):
    outcome, said = sweep(spec_of(sweep={"recon_weight": [1.0, 1e38]}))
    assert (outcome.ok, outcome.failed, outcome.exit_code) == (4, 4, 1)
    assert "python -m bench status" in said
    table = table_of(tmp_path / "out")
    assert table.status[table.recon_weight == 1].eq("ok").all()
    failed = table[table.recon_weight > 1]
    assert failed.status.eq("failed").all()
    assert failed.reason.eq("the loss was no longer finite at step 0 of 4").all()
    assert failed.failed_step.eq(0).all()
    assert failed.test_mse.isna().all()
    artifacts = {folder.name for folder in (tmp_path / "out" / "artifacts").iterdir()}
    assert artifacts == set(table.index[table.status == "ok"])


def test_failed_runs_are_tried_again_only_when_asked(sweep, monkeypatch, no_executor, spec_of):
    spec = spec_of(sweep={"recon_weight": [1.0, 1e38]})
    sweep(spec)
    tried = []

    class Spy(LocalExecutor):
        def run(self, cohorts, work):
            cohorts = list(cohorts)
            tried.extend(run.recon_weight for cohort in cohorts for run in cohort.runs)
            return super().run(cohorts, work)

    with monkeypatch.context() as patch:
        patch.setattr(module, "choose_executor", lambda *arguments: Spy())
        outcome, _ = sweep(spec, retry_failed=True)
    assert tried == [1e38] * 4
    assert (outcome.ok, outcome.failed) == (4, 4)
    no_executor()
    outcome, _ = sweep(spec)
    assert outcome.exit_code == 1


def test_an_error_that_ends_a_cohort_is_the_reason_of_its_runs(
    sweep, tmp_path, monkeypatch, table_of
):
    class Unlucky(LocalExecutor):
        def run(self, cohorts, work):
            def sometimes(cohort):
                if cohort.latent_dim == 2:
                    raise ArithmeticError("no luck\nwith two dimensions")
                return work(cohort)

            return super().run(cohorts, sometimes)

    monkeypatch.setattr(module, "choose_executor", lambda *arguments: Unlucky())
    outcome, said = sweep()
    assert (outcome.ok, outcome.failed, outcome.exit_code) == (2, 2, 1)
    assert "0 ok, 2 failed" in said
    table = table_of(tmp_path / "out")
    assert (
        table.reason[table.latent_dim == 2].eq("ArithmeticError: no luck with two dimensions").all()
    )
    assert table.status[table.latent_dim == 3].eq("ok").all()


@pytest.mark.usefixtures("no_gpu")
def test_runs_on_a_device_that_is_not_there_are_skipped_for_a_reason(
    sweep, tmp_path, spec_of, table_of
):
    outcome, said = sweep(spec_of(sweep={"device": ["cpu", "cuda"]}))
    assert (outcome.ok, outcome.failed, outcome.skipped, outcome.exit_code) == (4, 0, 4, 0)
    reason = f"CUDA is not available to torch {torch.__version__} on this machine"
    assert said.count("skipped: ") == 1
    assert f"skipped: 4 other runs (cuda: {reason})" in said
    table = table_of(tmp_path / "out")
    skipped = table[table.device == "cuda"]
    assert skipped.status.eq("skipped").all()
    assert skipped.reason.eq(reason).all()
    assert skipped[["test_mse", "train_seconds", "executor"]].isna().all(axis=None)


@pytest.mark.usefixtures("no_gpu")
def test_what_was_skipped_is_not_written_again(sweep, spec_of, monkeypatch):
    spec = spec_of(sweep={"device": ["cuda"]})
    added, add = [], Store.add

    def spy(store, records):
        records = list(records)
        added.append(len(records))
        return add(store, records)

    monkeypatch.setattr(Store, "add", spy)
    sweep(spec)
    sweep(spec)
    assert added == [4, 0]


@pytest.mark.usefixtures("no_gpu")
def test_a_sweep_of_which_nothing_can_run_is_no_failure(
    sweep, tmp_path, no_executor, spec_of, table_of
):
    no_executor()
    outcome, _ = sweep(spec_of(sweep={"device": ["cuda"]}))
    assert (outcome.ok, outcome.skipped, outcome.exit_code) == (0, 4, 0)
    assert len(table_of(tmp_path / "out")) == 4


def test_the_largest_cohorts_come_first(sweep, monkeypatch):
    begun = []

    class Spy(LocalExecutor):
        def run(self, cohorts, work):
            for cohort in cohorts:
                begun.append((cohort.latent_dim, len(cohort)))
                yield Outcome(cohort, None, MemoryError(), 0.0)

    def uneven(todo, **options):
        by_dim = {dim: tuple(r for r in todo if r.latent_dim == dim) for dim in (2, 3)}
        return [Cohort(by_dim[2][:1]), Cohort(by_dim[3])]

    monkeypatch.setattr(module, "group", uneven)
    monkeypatch.setattr(module, "choose_executor", lambda *arguments: Spy())
    sweep()
    assert begun == [(3, 2), (2, 1)]


def test_workers_and_cohorts_decide_the_executor(sweep, monkeypatch):
    asked = []

    def choose(*arguments):
        asked.append(arguments)
        return LocalExecutor()

    monkeypatch.setattr(module, "choose_executor", choose)
    sweep(executors=ExecutorRequest(workers=7))
    assert asked == [("cpu", 2, ExecutorRequest(workers=7))]


def test_only_what_is_missing_is_timed(sweep, fast_clock, tmp_path, monkeypatch, spec_of):
    timed, measure = [], module.measure_throughput

    def spy(runs, dataset):
        timed.append([(run.latent_dim, run.objective) for run in runs])
        return measure(runs, dataset)

    monkeypatch.setattr(module, "measure_throughput", spy)
    spec = spec_of(metrics={"throughput": True})
    sweep(spec)
    assert timed == [[(2, "ae"), (2, "vae"), (3, "ae"), (3, "vae")]]
    with Store(tmp_path / "out" / "results.sqlite") as store:
        store._connection.execute("DELETE FROM throughput WHERE latent_dim = 3")
    sweep(spec)
    assert timed[1:] == [[(3, "ae"), (3, "vae")]]


def test_a_users_own_network_is_swept_like_any_other(
    sweep, tmp_path, monkeypatch, spec_of, table_of
):
    monkeypatch.syspath_prepend(IMPORTABLE)
    outcome, _ = sweep(spec_of(model={"architecture": "own_networks:residual"}))
    assert (outcome.ok, outcome.failed) == (4, 0)
    assert table_of(tmp_path / "out").architecture.eq("own_networks:residual").all()


def test_an_outcome_without_results_is_never_ok(sweep, monkeypatch):
    class Empty(LocalExecutor):
        def run(self, cohorts, work):
            for cohort in cohorts:
                yield Outcome(cohort, None, MemoryError(), 0.0)

    monkeypatch.setattr(module, "choose_executor", lambda *arguments: Empty())
    outcome, _ = sweep()
    assert (outcome.ok, outcome.failed) == (0, 4)
