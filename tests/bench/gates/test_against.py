import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.gates.against import git, other_checkout
from bench.gates.command import ROOT
from bench.gates.errors import GateError
from bench.gates.gate import BASELINE, TESTS, Request, run_gate
from bench.gates.regressions import REGRESSIONS, copy_tree, inject


def commit(root, message):
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", message]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", root, *identity, *arguments], check=True, timeout=60)


@pytest.fixture
def repository(tmp_path):
    """Two commits: in the second, code, tests and measuring code are another."""
    root = tmp_path / "repository"
    for part in ("bench/gates", "tests/perf"):
        (root / part).mkdir(parents=True)
    files = ("pyproject.toml", "bench/code.py", "bench/gates/how.py", "tests/perf/test_a.py")
    for text in ("old", "new"):
        for file in files:
            content = "same" if file == "pyproject.toml" else text
            (root / file).write_text(content)
        commit(root, text)
    return root


def test_the_other_commit_has_its_own_code_and_our_measure(repository):
    with other_checkout(repository, "HEAD~1", TESTS) as other:
        assert (other.root / "bench/code.py").read_text() == "old"
        assert (other.root / "bench/gates/how.py").read_text() == "new"
        assert (other.root / "tests/perf/test_a.py").read_text() == "new"
        assert other.environment()["PYTHONPATH"].split(":")[0] == str(other.root)
    assert not other.root.exists()
    assert git(repository, "worktree", "list").count("\n") == 0
    assert (repository / "bench/code.py").read_text() == "new"


def test_a_project_in_a_part_of_a_repository_is_measured_there(repository):
    for part in ("own/tests/gate", "own/src"):
        (repository / part).mkdir(parents=True)
        (repository / part / "file.py").write_text("committed")
    commit(repository, "a project")
    (repository / "own/tests/gate/file.py").write_text("changed")
    tests = Path("tests", "gate")
    with other_checkout(repository / "own", "HEAD", tests) as other:
        assert (other.root / "src/file.py").read_text() == "committed"
        assert (other.root / "tests/gate/file.py").read_text() == "changed"


def test_what_is_no_commit_is_refused(repository):
    with (
        pytest.raises(GateError, match=r"^--against: nothing-such is no commit of"),
        other_checkout(repository, "nothing-such", TESTS),
    ):
        pass


def test_tests_outside_the_checkout_are_refused_and_kept(repository):
    for tests in (repository / "tests/perf", Path("..", "repository", "tests", "perf")):
        with (
            pytest.raises(GateError, match=r"^--against: .*tests/perf lies outside"),
            other_checkout(repository, "HEAD", tests),
        ):
            pass
    assert (repository / "tests/perf/test_a.py").read_text() == "new"


def test_an_environment_that_cannot_be_built_is_refused_and_leaves_nothing(repository):
    (repository / "pyproject.toml").write_text("other needs")
    with (
        pytest.raises(GateError, match=r"the environment of .* cannot be built"),
        other_checkout(repository, "HEAD", TESTS),
    ):
        pass
    assert git(repository, "worktree", "list").count("\n") == 0


@pytest.mark.slow
def test_a_change_is_compared_with_its_parent_on_this_machine(tmp_path, capsys):
    tree = tmp_path / "tree"
    copy_tree(ROOT, tree)
    (tree / BASELINE).unlink(missing_ok=True)  # none is needed
    shutil.rmtree(tree / "tests/perf" / "__pycache__", ignore_errors=True)
    commit(tree, "parent")
    inject(REGRESSIONS["synchronisation"], tree)
    request = Request(
        root=tree,
        tests=TESTS,
        baseline=BASELINE,
        out=tmp_path / "out",
        command="test",
        processes=1,
        only=("counts/",),
    )
    assert not run_gate(request, "HEAD", print)
    rows = json.loads((tmp_path / "out" / "gate.json").read_text())["rows"]
    wrong = {row["name"] for row in rows if row["verdict"] == "MORE"}
    assert {"counts/epoch[ae] host reads", "counts/epoch[vae] host reads"} <= wrong
    assert all("FLOP" not in name and "float64" not in name for name in wrong)
    assert "Gate against HEAD" in (tmp_path / "out" / "gate.md").read_text()
