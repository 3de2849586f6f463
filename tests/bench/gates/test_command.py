import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.gates import gate
from bench.gates.machine import machine_class


@pytest.fixture
def invoke(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["gate", *arguments])


@pytest.mark.parametrize(("passes", "code"), [(True, 0), (False, 1)])
def test_the_verdict_is_the_exit_code(invoke, monkeypatch, passes, code):
    asked = []

    def run_gate(request, against, say):
        asked.append((request, against))
        return passes

    monkeypatch.setattr(gate, "run_gate", run_gate)
    assert invoke("--against", "main", "--only", "counts/", "--processes", "2").exit_code == code
    ((request, against),) = asked
    assert (against, request.only, request.processes) == ("main", ("counts/",), 2)
    assert (request.root / request.tests / "test_counts.py").exists()
    assert request.baseline == gate.BASELINE


def test_without_pytest_one_line_says_how_to_get_it(invoke, monkeypatch):
    monkeypatch.setattr("bench.gates.command.find_spec", lambda name: None)
    result = invoke()
    assert result.exit_code == 2
    assert result.stderr.startswith("error: gate: pytest-benchmark is not installed; pip install")


def test_tests_of_ones_own_have_their_baseline_beside_them(invoke, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(gate, "run_gate", lambda request, *_: asked.append(request) or True)
    (tmp_path / "mine").mkdir()
    for tests in ("mine", str(tmp_path / "mine"), "mine/../mine"):
        invoke("--tests", tests)
        request = asked.pop()
        assert (request.root, str(request.tests)) == (tmp_path, "mine")
        assert str(request.baseline) == "mine/baseline.json"
    invoke("--tests", "mine", "--baseline", str(tmp_path / "other.json"))
    assert str(asked.pop().baseline) == "other.json"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no baseline"),
        ("{", "is damaged"),
        ('{"schema_version": 7}', "has schema version 7"),
        ('{"schema_version": 1, "machines": {}}', "has no baseline of machines of class"),
    ],
)
def test_without_a_usable_baseline_nothing_is_measured(invoke, tmp_path, content, says):
    path = tmp_path / "baseline.json"
    if content is not None:
        path.write_text(content)
    result = invoke("--baseline", str(path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {path}: {says}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--update-baseline", "--against", "x"], "--against: is not allowed with --update-b"),
        (["--update-baseline", "--only", "x"], "--only: is not allowed with --update-baseline"),
        (["--against", "no-such-commit"], "--against: no-such-commit is no commit of"),
        (["--tests", "nowhere", "--against", "x"], "nowhere: no such tests; --tests names others"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(invoke, tmp_path, arguments, says):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_nothing_to_compare_is_no_pass(invoke, tmp_path):
    machines = {machine_class(): {"provenance": {}, "entries": {}}}
    (tmp_path / "baseline.json").write_text(json.dumps({"schema_version": 1, "machines": machines}))
    (tmp_path / "test_mine.py").write_text("def test_a():\n    pass\n")
    result = invoke("--tests", "test_mine.py")
    assert result.exit_code == 2
    assert "error: there is no figure to compare" in result.stderr


def test_tests_that_pytest_cannot_run_are_no_pass(invoke, tmp_path):
    machines = {machine_class(): {"provenance": {}, "entries": {}}}
    (tmp_path / "baseline.json").write_text(json.dumps({"schema_version": 1, "machines": machines}))
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--no-such'\n")
    (tmp_path / "test_mine.py").write_text("def test_a(vae_gate):\n    pass\n")
    result = invoke("--tests", "test_mine.py")
    assert result.exit_code == 2
    assert "pytest could not run the tests (exit 4" in result.stderr


def test_help_needs_no_pytest():
    code = (
        "import sys; from typer.testing import CliRunner; from bench.cli import app\n"
        "CliRunner().invoke(app, ['gate', '--help'])\n"
        "print({'torch', 'pytest'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
