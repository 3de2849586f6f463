"""Another commit of the same repository as a tree that can be measured.

The measuring code (the tests and ``bench/gates``) is this checkout's on both sides, so that two
commits are asked the same questions; the measured code is each commit's own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.gates.errors import GateError
from bench.gates.session import Checkout

__all__ = ["git", "other_checkout"]

MEASURING = Path("bench", "gates")
DEPENDENCIES = ("constraints.txt", "pyproject.toml")
"""Files that decide what an environment holds."""


@contextmanager
def other_checkout(here: Path, ref: str, tests: Path) -> Iterator[Checkout]:
    """Check out ``ref`` beside ``here`` with the measuring code of ``here``; removed at the end.

    Parameters
    ----------
    here
        A git checkout, or the folder of a project in one.
    ref
        A commit, branch or tag.
    tests
        The tests of the gate, relative to ``here``.

    Raises
    ------
    GateError
        When ``ref`` is no commit, ``tests`` lie outside ``here``, or the environment of ``ref``
        cannot be built.
    """
    if tests.is_absolute() or ".." in tests.parts:  # what is laid over them would be they
        raise GateError(f"--against: {tests} lies outside {here}; tests inside are needed")
    commit = git(here, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise GateError(f"--against: {ref} is no commit of {here}; fetch it first")
    within = git(here, "rev-parse", "--show-prefix") or ""  # a project in a part of a repository
    with tempfile.TemporaryDirectory(prefix="vaebench-gate-") as temporary:
        tree = Path(temporary, "checkout")
        root = tree / within
        if git(here, "worktree", "add", "--detach", str(tree), commit) is None:
            raise GateError(f"--against: git could not check out {ref} into {tree}")
        try:
            python = _python_for(here, root)
            for part in (MEASURING, tests):
                _overlay(here / part, root / part)
            yield Checkout(root, python)
        finally:
            git(here, "worktree", "remove", "--force", str(tree))


def git(here: Path, *arguments: str) -> str | None:
    """What git answers, or None if it refuses."""
    program = shutil.which("git")
    if program is None:
        raise GateError("git: is not installed; --against needs it")
    answer = subprocess.run(  # noqa: S603 - no shell
        [program, "-C", str(here), *arguments], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else None


def _python_for(here: Path, root: Path) -> Path:
    """The running Python if both commits need the same packages, else one of the other's own."""
    if all(_same(here / name, root / name) for name in DEPENDENCIES):
        return Path(sys.executable)
    environment = root / ".venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    built = subprocess.run(  # noqa: S603 - no shell
        [str(python), "-m", "pip", "install", "-q", "-c", "constraints.txt", "-e", ".[test]"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        said = (built.stderr.strip() or "pip said nothing").splitlines()[-1]
        raise GateError(f"--against: the environment of {root} cannot be built: {said}")
    return python


def _same(one: Path, other: Path) -> bool:
    return one.exists() == other.exists() and (
        not one.exists() or one.read_bytes() == other.read_bytes()
    )


def _overlay(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
