"""An exported sweep, read with MLflow's own client."""

import pytest

from bench.results import RunRecord
from bench.results.errors import ExportError
from bench.results.trackers import tracked_runs
from bench.results.trackers.mlflow import to_mlflow

# Its models of the tables use what SQLAlchemy is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def client(tmp_path):
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    pytest.importorskip("alembic", reason="MLflow's SQLite store is not installed")
    from mlflow.tracking import MlflowClient

    return lambda: MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")


def found(client, name="small"):
    experiment = client.get_experiment_by_name(name)
    return {
        run.data.tags["vaebench.run_id"]: run
        for run in client.search_runs([experiment.experiment_id])
    }


def test_mlflow_reads_what_was_measured(client, store, tracked, tmp_path):
    assert to_mlflow(tracked_runs(store), "small", tmp_path) == 3
    run = found(client())[tracked["vae", True].run_id]
    assert run.info.status == "FINISHED"
    assert (run.data.params["latent_dim"], run.data.params["kl_weight"]) == ("2", "0.1")
    assert (run.data.metrics["test_mse"], run.data.metrics["encode_samples_per_s"]) == (0.125, 4096)
    assert run.data.tags["engine"] == "eager"
    assert run.info.end_time - run.info.start_time == 1500
    curve = client().get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in curve] == [(1, 3.0), (2, 2.0)]


def test_a_failed_run_is_failed_and_says_why(client, store, tracked, tmp_path):
    to_mlflow(tracked_runs(store), "small", tmp_path)
    run = found(client())[tracked["vae", False].run_id]
    assert (run.info.status, run.data.tags["reason"]) == ("FAILED", "no luck")


def test_logging_again_doubles_nothing_and_takes_what_changed(
    client, store, tracked, tmp_path, runs, finished
):
    to_mlflow(tracked_runs(store), "small", tmp_path)
    assert to_mlflow(tracked_runs(store), "small", tmp_path) == 0
    again = tracked["vae", False].run_id
    store.add([finished(next(run for run in runs if run.run_id == again))])
    assert to_mlflow(tracked_runs(store), "small", tmp_path) == 1
    assert {run.info.status for run in found(client()).values()} == {"FINISHED"}
    assert len(found(client())) == 3


def test_a_run_whose_logging_was_cut_short_is_logged_anew(
    client, store, tracked, tmp_path, monkeypatch
):
    client()
    from mlflow.tracking import MlflowClient

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_terminated", killed)
        with pytest.raises(KeyboardInterrupt):
            to_mlflow(tracked_runs(store), "small", tmp_path)
    assert [run.info.status for run in found(client()).values()] == ["RUNNING"]
    assert to_mlflow(tracked_runs(store), "small", tmp_path) == 3
    assert len(found(client())) == 3


def test_curves_longer_than_one_request_are_logged_whole(client, store, runs, tmp_path):
    from bench.results import Curves

    epochs = tuple(float(epoch) for epoch in range(1100))
    run = [run for run in runs if run.device == "cpu"][-1]
    store.add([RunRecord(config=run, status="ok", curves=Curves(epochs, epochs))])
    to_mlflow(tracked_runs(store), "small", tmp_path)
    logged = found(client())[run.run_id].info.run_id
    history = client().get_metric_history(logged, "squared_error")
    assert [point.value for point in history] == list(epochs)


def test_what_is_there_of_others_stays(client, store, tmp_path):
    other = client().create_experiment("other")
    client().create_run(other, run_name="mine")
    to_mlflow(tracked_runs(store), "small", tmp_path)
    assert [run.info.run_name for run in client().search_runs([other])] == ["mine"]


def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(client, store, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"mine" * 300)
    with pytest.raises(ExportError, match=r"mlflow\.db: cannot be written by MLflow: .*not a data"):
        to_mlflow(tracked_runs(store), "small", tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == b"mine" * 300


@pytest.mark.parametrize("package", ["mlflow", "alembic", "sqlalchemy"])
def test_without_the_extra_it_says_what_to_install(client, store, tmp_path, uninstalled, package):
    uninstalled(package)
    with pytest.raises(
        ExportError,
        match=rf"^--to mlflow: the package {package} is not installed; pip install .*mlflow",
    ):
        to_mlflow(tracked_runs(store), "small", tmp_path)
    assert not (tmp_path / "mlflow.db").exists()
