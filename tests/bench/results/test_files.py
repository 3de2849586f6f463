"""A file is as it was or complete."""

import errno
import os
from pathlib import Path

import pytest

from bench.results import SweepDirectoryError
from bench.results.files import replaced, replaced_folder, writing


def test_a_complete_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with replaced(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [f.name for f in tmp_path.iterdir()] == ["a.json"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def interrupted():
        with replaced(path) as beside:
            beside.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_takes_the_place_of_the_old_one_and_of_what_was_left_beside(tmp_path):
    path = tmp_path / "made" / "run"
    for content in ("old", "new"):
        (tmp_path / "made" / ".run.tmp" / "half").mkdir(parents=True)
        with replaced_folder(path) as beside:
            (beside / content).touch()
    assert [f.relative_to(tmp_path / "made") for f in (tmp_path / "made").rglob("*")] == [
        path.relative_to(path.parent),
        (path / "new").relative_to(path.parent),
    ]


@pytest.fixture
def disk(monkeypatch):
    """What reaches the disk, in order: names of synced files and folders, and renamings."""
    done, sync, rename = [], os.fsync, os.replace

    def names(folder):
        return {f.stat().st_ino: f.name for f in (folder, *folder.rglob("*"))}

    def watch(folder):
        def fsync(descriptor):
            done.append(f"sync {names(folder)[os.fstat(descriptor).st_ino]}")
            sync(descriptor)

        def replace(source, target):
            done.append(f"rename to {Path(target).name}")
            rename(source, target)

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "replace", replace)
        return done

    return watch


def test_a_file_is_on_the_disk_before_its_name_is_and_both_before_it_counts(tmp_path, disk):
    done = disk(tmp_path)
    with replaced(tmp_path / "a.json") as beside:
        beside.write_text("new")
    assert done == [f"sync {beside.name}", "rename to a.json", f"sync {tmp_path.name}"]


def test_a_folder_is_on_the_disk_with_all_its_files_before_its_name_is(tmp_path, disk):
    done = disk(tmp_path)
    with replaced_folder(tmp_path / "run") as beside:
        (beside / "weights").write_bytes(b"1")
        (beside / "inner").mkdir()
        (beside / "inner" / "pictures").write_bytes(b"2")
    assert sorted(done[:3]) == ["sync inner", "sync pictures", "sync weights"]
    assert done[3:] == ["sync .run.tmp", "rename to run", f"sync {tmp_path.name}"]


def test_the_folders_that_are_made_for_it_are_on_the_disk_too(tmp_path, disk):
    done = disk(tmp_path)
    with replaced_folder(tmp_path / "artifacts" / "small" / "run"):
        assert done == ["sync artifacts", f"sync {tmp_path.name}"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), r"^here: .* no space .*; free some sp"),
        (OSError(errno.EROFS, "Read-only file system", "x/y"), r"^x/y: .* read-only .*; a folder"),
        (
            OSError(errno.EACCES, "Failed to open '/Mine'. Detail: [errno 13] Permission denied"),
            r"^here: cannot be written: permission denied; a folder",
        ),
        (OSError("Cannot write /Mine"), r"^here: cannot be written: Cannot write /Mine; a folder"),
    ],
)
def test_an_error_of_the_file_system_is_one_line(tmp_path, error, line):
    with pytest.raises(SweepDirectoryError, match=line), writing("here"):
        raise error
