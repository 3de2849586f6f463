"""Where numbers come from, asked in checkouts made for the test."""

import re
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.results import provenance
from bench.results.provenance import collect_environment, commit, installed_version


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with a package in it that poses as ours."""
    monkeypatch.setenv("HOME", str(tmp_path))
    package = tmp_path / "repository" / "bench" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("a = 1\n")
    monkeypatch.setattr(bench, "__file__", str(package))

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        return subprocess.run(
            ["git", "-C", str(package.parent), *who, *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    git("init", "-q")
    return git, package


def test_a_clean_checkout_gives_its_commit_and_a_changed_one_says_so(checkout):
    git, package = checkout
    git("add", ".")
    git("commit", "-qm", "first")
    assert commit() == git("rev-parse", "HEAD")
    (package.parent / "untracked.py").write_text("")
    assert commit() == git("rev-parse", "HEAD")
    package.write_text("a = 2\n")
    assert commit() == git("rev-parse", "HEAD") + "+dirty"


def test_a_package_that_merely_lies_inside_a_checkout_has_no_commit(checkout):
    git, package = checkout
    (package.parent / "other.py").write_text("")
    git("add", "other.py")
    git("commit", "-qm", "first")
    assert commit() is None


def test_no_checkout_and_no_git_give_none(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() is None
    monkeypatch.setattr(provenance.shutil, "which", lambda name: None)
    assert commit() is None


def test_the_environment_is_flat_and_complete():
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    found = collect_environment(command="python -m bench run", started_at=started, wall_seconds=1.5)
    assert found["started_at"] == "2026-01-02T01:04:05+00:00"
    assert found["wall_seconds"] == 1.5
    assert found["vaebench_version"] == bench.__version__
    assert found["numpy"] == np.__version__
    assert str(found["torch"]).split("+")[0] == torch.__version__.split("+")[0]
    assert found["threads"] == torch.get_num_threads()
    assert (found["gpu"] is None) == (not torch.cuda.is_available())
    assert re.fullmatch(r"3\.\d+\.\d+.*", str(found["python"]))
    assert isinstance(found["cpu_cores"], int)
    assert found["cpu_cores"] >= 1
    assert all(value is None or isinstance(value, str | int | float) for value in found.values())


def test_a_package_that_is_not_there_has_no_version():
    assert installed_version("no-such-package-at-all") is None


def test_the_processor_has_a_name():
    assert provenance.cpu_name()
    assert "\n" not in provenance.cpu_name()


def test_the_real_package_is_asked_by_default():
    assert Path(bench.__file__).parts[-2:] == ("bench", "__init__.py")
