"""A file is as it was or complete."""

import errno

import pytest

from bench.results import SweepDirectoryError
from bench.results.files import replaced, writing


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


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), r"^here: .* no space .*; free some sp"),
        (OSError(errno.EROFS, "Read-only file system", "x/y"), r"^x/y: .* read-only .*; a folder"),
    ],
)
def test_an_error_of_the_file_system_is_one_line(tmp_path, error, line):
    with pytest.raises(SweepDirectoryError, match=line), writing("here"):
        raise error
