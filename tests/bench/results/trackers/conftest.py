"""A sweep of four runs: two that are ok, one that failed, one that was skipped."""

import sys

import pytest

from bench.results import RunRecord, Store, ThroughputRecord
from bench.results.trackers import tracked_runs


@pytest.fixture
def store(tmp_path, runs, finished):
    cpu = [run for run in runs if run.device == "cpu"]
    ae = next(run for run in cpu if run.objective == "ae")
    vae, lost = [run for run in cpu if run.objective == "vae"][:2]
    cuda = next(run for run in runs if run.device == "cuda")
    measured = {"test_mse": 0.125, "active_units": 2, "train_seconds": 1.5, "engine": "eager"}
    with Store(tmp_path / "results.sqlite") as store:
        store.add(
            [
                finished(ae, test_mse=0.5),
                finished(vae, **measured),
                RunRecord(config=lost, status="failed", reason="no luck"),
                RunRecord(config=cuda, status="skipped", reason="no CUDA device"),
            ]
        )
        subject = {"objective": "vae", "latent_dim": vae.latent_dim, "device": "cpu"}
        timed = {"phase": "encode", "batch_size": 128, "repeat": 0, "samples_per_s": 4096.0}
        store.add_throughput([ThroughputRecord(**subject, **timed)])
        yield store


@pytest.fixture
def tracked(store):
    """The runs by objective and whether they are ok."""
    return {(run.configuration["objective"], run.is_ok): run for run in tracked_runs(store)}


@pytest.fixture
def uninstalled(monkeypatch):
    """Make a package impossible to import."""

    def uninstalled(package):
        for module in [name for name in sys.modules if name.startswith(f"{package}.")]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, package, None)

    return uninstalled
