"""A full disk, or a loss of power, costs nothing that finished."""

import errno
import os
import shutil
import subprocess

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import bench.pipeline as module
from bench.cli import app
from bench.plan import toml
from bench.results import Store, SweepDirectoryError

torch.set_num_threads(1)


def full_disk(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device", "somewhere")


@pytest.mark.parametrize(
    ("where", "name", "kept"),
    [
        (np, "savez_compressed", 0),
        (module, "export", 4),
        (module.reports, "build", 4),
    ],
    ids=["artifact", "table", "report"],
)
def test_a_full_disk_costs_nothing_that_finished(
    sweep, tmp_path, monkeypatch, no_executor, where, name, kept
):
    with monkeypatch.context() as patch:
        patch.setattr(where, name, full_disk)
        with pytest.raises((SweepDirectoryError, OSError), match=r"(?i)no space left on device"):
            sweep(report=True)
    with Store(tmp_path / "out" / "results.sqlite", read_only=True) as store:
        assert list(store.statuses().values()) == ["ok"] * kept
    if kept:
        no_executor()
    outcome, _ = sweep()
    assert (outcome.ok, outcome.failed) == (4, 0)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(place)]
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield place
    # A table whose closing failed may still be open.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk):
    """Leave not a byte."""
    with (disk / "filler").open("ab") as filler:
        filler.write(bytes(shutil.disk_usage(disk).free))
    assert shutil.disk_usage(disk).free == 0


@pytest.mark.parametrize(
    ("where", "name", "kept"),
    [
        (np, "savez_compressed", 2),
        (Store, "add", 2),
        (module, "export", 4),
        (module.reports, "build", 4),
    ],
    ids=["artifact", "record", "table", "report"],
)
def test_a_disk_that_is_really_full_is_one_line_and_the_same_command_goes_on(
    small_disk, spec_of, tmp_path, monkeypatch, no_executor, where, name, kept
):
    """The first cohort finds room, the second does not."""
    written, out = tmp_path / "s.toml", small_disk / "out"
    written.write_text(toml.dumps(spec_of().as_table()))
    command = ["run", str(written), "--out", str(out), "--executor", "local"]

    def without_room(*arguments, **options):
        if (out / "results.sqlite").exists() and finished() == kept:
            fill(small_disk)
        return really(*arguments, **options)

    def finished():
        with Store(out / "results.sqlite", read_only=True) as store:
            return [*store.statuses().values()].count("ok")

    really = getattr(where, name)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, without_room)
        result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "no space left on device" in line or "the disk is full" in line
    assert finished() == kept
    assert list(out.rglob(".*.tmp*")) == []

    (small_disk / "filler").unlink()
    if kept == 4:
        no_executor()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert finished() == 4
    assert len([*(out / "artifacts").iterdir()]) == 4
    assert (out / "report" / "index.html").exists()


def test_a_run_is_recorded_after_its_files_have_reached_the_disk(sweep, tmp_path, monkeypatch):
    synced, sync, add, late = set(), os.fsync, Store.add, []

    def fsync(descriptor):
        synced.add(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def check(store, records):
        records = list(records)
        for record in records:
            folder = tmp_path / "out" / "artifacts" / record.run_id
            files = [*folder.iterdir(), folder, folder.parent]
            late.extend(file for file in files if file.stat().st_ino not in synced)
        checked.extend(records)
        return add(store, records)

    checked = []
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Store, "add", check)
    sweep()
    assert late == []
    assert len(checked) == 4
