"""One directory, one specification, one writer."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from bench.plan import load_spec, toml
from bench.results import SweepDirectory, SweepDirectoryError
from bench.results.directory import holder

HOLD = """
import sys, time
from pathlib import Path
from bench.plan import load_spec
from bench.results import SweepDirectory
directory = SweepDirectory(Path(sys.argv[1]), load_spec(Path(sys.argv[2])))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "small"


def changed(spec, **training):
    return spec.model_copy(update={"training": spec.training.model_copy(update=training)})


def test_opening_creates_it_with_the_resolved_spec(path, spec):
    with SweepDirectory(path, spec):
        assert load_spec(path / "spec.toml") == spec
        table = tomllib.loads((path / "spec.toml").read_text(encoding="utf-8"))
        assert table["training"]["epochs"] == 100


def test_the_same_spec_opens_it_again(path, spec):
    for _ in range(2):
        SweepDirectory(path, spec).close()


def test_another_spec_is_refused_with_the_first_key_that_differs(path, spec):
    SweepDirectory(path, spec).close()
    before = (path / "spec.toml").read_bytes()
    line = r"small: belongs to another sweep: training\.epochs is 100 there and 7 here; use another"
    with pytest.raises(SweepDirectoryError, match=line):
        SweepDirectory(path, changed(spec, epochs=7))
    assert (path / "spec.toml").read_bytes() == before
    SweepDirectory(path, spec).close()


def test_a_key_that_only_one_has_differs_too(path, spec):
    SweepDirectory(path, spec).close()
    other = spec.model_copy(update={"data": spec.data.model_copy(update={"test_size": 9})})
    with pytest.raises(SweepDirectoryError, match=r"data\.test_size is no value there and 9 here"):
        SweepDirectory(path, other)


def test_a_spec_that_cannot_be_read_is_refused(path, spec):
    path.mkdir(parents=True)
    (path / "spec.toml").write_text("name = ")
    with pytest.raises(SweepDirectoryError, match=r"spec\.toml: not TOML: .*; use another --out"):
        SweepDirectory(path, spec)


def test_a_folder_with_other_files_is_refused_and_untouched(path, spec):
    path.mkdir(parents=True)
    (path / "results.csv").write_text("mine")
    with pytest.raises(SweepDirectoryError, match=r"has no spec\.toml but other files \(results\."):
        SweepDirectory(path, spec)
    assert (path / "results.csv").read_text() == "mine"
    assert not (path / "spec.toml").exists()


def test_a_second_opener_in_the_same_process_is_refused(path, spec):
    with SweepDirectory(path, spec):
        line = rf"small: in use by process {os.getpid()} on host .*; wait for it to end or use ano"
        with pytest.raises(SweepDirectoryError, match=line):
            SweepDirectory(path, spec)
    SweepDirectory(path, spec).close()


def test_a_holder_in_another_process_is_named_and_its_lock_dies_with_it(path, spec, tmp_path):
    written = tmp_path / "s.toml"
    written.write_text(toml.dumps(spec.as_table()))
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(written)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(SweepDirectoryError, match=rf"in use by process {process.pid} on host "):
        SweepDirectory(path, spec)
    assert (holder(path) or "").startswith(f"process {process.pid} on host ")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert holder(path) is None
    with SweepDirectory(path, spec):
        assert (holder(path) or "").startswith(f"process {os.getpid()} on host ")


def test_a_look_at_the_lock_keeps_nobody_from_starting(path, spec, monkeypatch):
    SweepDirectory(path, spec).close()
    look = (path / ".lock").open(encoding="utf-8")
    fcntl.flock(look, fcntl.LOCK_SH)  # as ``holder`` does, for an instant
    waits = []

    def until_it_is_over(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            look.close()

    monkeypatch.setattr(time, "sleep", until_it_is_over)
    SweepDirectory(path, spec).close()
    assert len(waits) == 3


def test_nobody_holds_a_folder_without_a_lock(tmp_path):
    assert holder(tmp_path) is None


def test_an_artifact_appears_whole(path, spec):
    with SweepDirectory(path, spec) as directory:
        with directory.new_artifact("0123") as folder:
            (folder / "samples.npz").write_bytes(b"1")
            assert not directory.artifact("0123").exists()
        assert (path / "artifacts" / "0123" / "samples.npz").read_bytes() == b"1"


def test_an_artifact_of_the_same_run_is_replaced(path, spec):
    with SweepDirectory(path, spec) as directory:
        for name in ("old", "new"):
            with directory.new_artifact("0123") as folder:
                (folder / name).write_bytes(b"1")
        assert [f.name for f in directory.artifact("0123").iterdir()] == ["new"]


def test_a_full_disk_is_one_line_and_leaves_no_half_artifact(path, spec):
    with SweepDirectory(path, spec) as directory:

        def fill_the_disk():
            with directory.new_artifact("0123") as folder:
                (folder / "half").write_bytes(b"1")
                raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(SweepDirectoryError, match="no space left on device; free some space"):
            fill_the_disk()
        assert list(directory.artifacts.iterdir()) == []


def test_what_a_killed_process_was_writing_is_removed(path, spec):
    with SweepDirectory(path, spec) as directory:
        (directory.artifacts / ".0123.tmp").mkdir(parents=True)
        (directory.artifacts / ".0123.tmp" / "half").write_bytes(b"1")
        for name in (".results.csv.99.tmp", ".results.sqlite.99.tmp", ".results.sqlite.99.tmp-wal"):
            (path / name).write_bytes(b"1")
    with SweepDirectory(path, spec) as directory:
        assert list(directory.artifacts.iterdir()) == []
    assert not list(path.glob(".*.tmp*"))


def test_a_file_in_the_way_is_one_line(tmp_path, spec):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(SweepDirectoryError, match=r"cannot be written: not a directory; a folder"):
        SweepDirectory(tmp_path / "runs" / "small", spec)


def test_a_read_only_place_is_one_line(path, spec, monkeypatch):
    def read_only(self, *args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", read_only)
    line = r"small: cannot be written: read-only file system; .*--out names another"
    with pytest.raises(SweepDirectoryError, match=line):
        SweepDirectory(path, spec)


def test_the_environment_is_flat_json(path, spec):
    with SweepDirectory(path, spec) as directory:
        directory.write_environment({"cpu": "Ä", "threads": 2, "gpu": None})
    stored = json.loads((path / "environment.json").read_text(encoding="utf-8"))
    assert stored == {"cpu": "Ä", "threads": 2, "gpu": None}
