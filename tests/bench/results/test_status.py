"""How a sweep directory stands, before, during and after."""

import pytest

from bench.results import RunRecord, Store, SweepDirectory, SweepDirectoryError
from bench.results.status import read_status


def test_a_new_directory_lacks_every_run(tmp_path, spec):
    SweepDirectory(tmp_path / "a", spec).close()
    status = read_status(tmp_path / "a")
    none_yet = {"ok": 0, "failed": 0, "skipped": 0, "missing": 12}
    assert status.counts == {"cpu": none_yet, "cuda": none_yet}
    assert status.total("missing") == 24
    assert status.report is None


def test_a_sweep_in_progress_shows_its_counts_reasons_and_holder(tmp_path, spec, runs, finished):
    cpu = [run for run in runs if run.device == "cpu"]
    cuda = [run for run in runs if run.device == "cuda"]
    with SweepDirectory(tmp_path / "a", spec) as directory, Store(directory.store_path) as store:
        store.add(map(finished, cpu[:3]))
        store.add([RunRecord(config=cpu[3], status="failed", reason="not finite")])
        store.add(RunRecord(config=run, status="skipped", reason="no GPU") for run in cuda)
        status = read_status(directory.path)
    assert status.counts["cpu"] == {"ok": 3, "failed": 1, "skipped": 0, "missing": 8}
    assert status.counts["cuda"] == {"ok": 0, "failed": 0, "skipped": 12, "missing": 0}
    assert status.failures == {"not finite": 1}
    assert status.skips == {"no GPU": 12}
    assert status.holder is not None
    assert read_status(directory.path).holder is None


def test_a_report_that_is_there_is_named(tmp_path, spec):
    SweepDirectory(tmp_path / "a", spec).close()
    page = tmp_path / "a" / "report" / "index.html"
    page.parent.mkdir()
    page.write_text("")
    assert read_status(tmp_path / "a").report == page


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(SweepDirectoryError, match=r"is no sweep directory \(it has no spec\.toml"):
        read_status(tmp_path)


def test_a_spec_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "spec.toml").write_text("name = 3")
    with pytest.raises(SweepDirectoryError, match=r"spec\.toml: name: 3 is not allowed"):
        read_status(tmp_path)
