"""An exported sweep, read with TensorBoard's own reader."""

import pytest

from bench.results.errors import ExportError
from bench.results.trackers import tracked_runs
from bench.results.trackers.tensorboard import to_tensorboard


@pytest.fixture
def read():
    """Read the logs of a folder as the program does: events by run."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    def read(folder):
        logs = EventMultiplexer().AddRunsFromDirectory(str(folder))
        logs.Reload()
        return logs

    return read


def scalars(logs, run, tag):
    from tensorboard.util import tensor_util

    points = logs.Tensors(run, tag)
    return [(point.step, tensor_util.make_ndarray(point.tensor_proto).item()) for point in points]


def test_tensorboard_reads_curves_and_what_was_measured(read, store, tracked, tmp_path):
    assert to_tensorboard(tracked_runs(store), "small", tmp_path) == 3
    logs = read(tmp_path / "tensorboard")
    run = f"small/{tracked['vae', True].run_id}"
    assert scalars(logs, run, "curves/loss") == [(1, 3.0), (2, 2.0)]
    assert scalars(logs, run, "curves/rate_nats") == [(1, 0.5), (2, 0.25)]
    assert scalars(logs, run, "measured/test_mse") == [(2, 0.125)]
    assert scalars(logs, run, "measured/encode_samples_per_s") == [(2, 4096.0)]


def test_tensorboard_reads_the_configuration_as_hyperparameters(read, store, tracked, tmp_path):
    to_tensorboard(tracked_runs(store), "small", tmp_path)
    from tensorboard.plugins.hparams import metadata

    logs = read(tmp_path / "tensorboard")
    run = f"small/{tracked['vae', True].run_id}"
    content = logs.SummaryMetadata(run, metadata.SESSION_START_INFO_TAG).plugin_data.content
    started = metadata.parse_session_start_info_plugin_data(content)
    assert started.hparams["latent_dim"].number_value == 2
    assert started.hparams["kl_weight"].number_value == 0.1
    assert started.hparams["objective"].string_value == "vae"


def test_every_run_that_has_ended_is_there_once_however_often_it_is_written(
    read, store, tracked, tmp_path
):
    for _ in range(2):
        to_tensorboard(tracked_runs(store), "small", tmp_path)
    runs = read(tmp_path / "tensorboard").Runs()
    assert set(runs) == {f"small/{run.run_id}" for run in tracked.values()}
    assert len(list((tmp_path / "tensorboard").rglob("events*"))) == 3


def test_without_the_extra_it_says_what_to_install(store, tmp_path, uninstalled):
    uninstalled("tensorboard")
    with pytest.raises(
        ExportError,
        match=r"^--to tensorboard: the package tensorboard is not installed; pip install",
    ):
        to_tensorboard(tracked_runs(store), "small", tmp_path)
    assert list(tmp_path.glob("tensorboard*")) == []
