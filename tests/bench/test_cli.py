"""The command line: what reaches the pipeline, exit codes, and one line for each foreseen error."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from bench.cli import app
from bench.console import SweepOutcome, counted
from bench.executors import ExecutorRequest
from bench.plan import DATASETS, Plan, expand, group, load_spec
from bench.results import StoreError, SweepDirectory, SweepDirectoryError


@pytest.fixture
def invoke():
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def pipeline(monkeypatch):
    """A pipeline that records its calls and ends as the test wants."""
    stub = SimpleNamespace(calls=[], failed=0, error=None)

    def run_sweep(spec, out, *, console, **options):
        stub.calls.append(SimpleNamespace(spec=spec, out=out, **options))
        if stub.error is not None:
            raise stub.error
        outcome = SweepOutcome(directory=out, ok=1, failed=stub.failed, skipped=0, report=None)
        console.done(outcome)
        return outcome

    def plan_sweep(spec, *, executors):
        runs = expand(spec, "h")
        here = [run for run in runs if run.device == "cpu"]
        return Plan(spec, tuple(runs), tuple(group(here)), {"cuda": "no CUDA device"})

    stub.run_sweep, stub.plan_sweep = run_sweep, plan_sweep
    monkeypatch.setitem(sys.modules, "bench.pipeline", stub)
    return stub


def test_without_a_spec_the_default_sweep_runs(invoke, pipeline):
    result = invoke("run")
    assert result.exit_code == 0
    (call,) = pipeline.calls
    assert call.spec == load_spec()
    assert call.out == Path("runs/digits")
    assert (call.retry_failed, call.report) == (False, True)
    assert (call.live, call.formats) == (False, ())
    assert call.executors == ExecutorRequest()
    assert result.output == "1 ok in runs/digits\n"


def test_options_reach_the_pipeline(invoke, pipeline, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n')
    arguments = [str(path), "--set", "sweep.seed=[7]", "--set", "training.epochs=3"]
    arguments += ["--out", "o", "--retry-failed", "--no-report", "--workers", "1"]
    arguments += ["--executor", "pool", "--cohort-seconds", "90"]
    assert invoke("run", *arguments).exit_code == 0
    (call,) = pipeline.calls
    assert (call.spec.name, call.spec.sweep.seed, call.spec.training.epochs) == ("s", (7,), 3)
    assert call.out == Path("o")
    assert (call.retry_failed, call.report) == (True, False)
    assert call.executors == ExecutorRequest(name="pool", workers=1, cohort_seconds=90.0)


def test_a_dry_run_tells_axes_runs_cohorts_and_skips_and_runs_nothing(invoke, pipeline):
    result = invoke("run", "--dry-run")
    assert result.exit_code == 0
    assert pipeline.calls == []
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[0] == "digits: 210 runs, 10 cohorts to train"
    assert "latent_dim 5 2, 4, 8, 16, 32" in lines
    assert "kl_weight 6 0.003, 0.01, 0.03, 0.1, 0.3, 1.0" in lines
    assert lines[-1] == "skipped: 105 runs on cuda (no CUDA device)"


def test_a_dry_run_shortens_a_long_axis(invoke, pipeline):
    result = invoke("run", "--dry-run", "--set", f"sweep.seed={[*range(100)]}")
    (line,) = (line for line in result.output.splitlines() if line.startswith("seed"))
    assert " ".join(line.split()).startswith("seed 100 0, 1, 2, ")
    assert line.endswith(" …")
    assert len(line) < 100


def test_a_failed_run_gives_exit_code_1(invoke, pipeline):
    pipeline.failed = 1
    assert invoke("run").exit_code == 1


def test_an_interrupt_says_how_to_go_on(invoke, pipeline, monkeypatch):
    pipeline.error = KeyboardInterrupt()
    monkeypatch.setattr(sys, "argv", ["bench/__main__.py", "run", "--set", "name=a b"])
    result = invoke("run")
    assert result.exit_code == 130
    assert result.stderr == (
        "interrupted; what finished is kept in runs/digits, the same command goes on: "
        "python -m bench run --set 'name=a b'\n"
    )


def foreseen_errors():
    from kernels import BackendError
    from reports.sweep import SweepError
    from vae_core import ArchitectureError, DataError

    return [
        StoreError("results.sqlite: is damaged"),
        SweepDirectoryError("runs/a: in use"),
        DataError("data.root: not given"),
        BackendError("triton: no GPU"),
        ArchitectureError("a:b cannot be imported"),
        SweepError("results.parquet: not there"),
    ]


@pytest.mark.parametrize("error", foreseen_errors(), ids=lambda error: type(error).__name__)
def test_a_foreseen_error_is_one_line_and_exit_code_2(invoke, pipeline, error):
    pipeline.error = error
    result = invoke("run")
    assert result.exit_code == 2
    assert result.stderr == f"error: {error}\n"
    assert result.stdout == ""


def test_an_error_of_the_file_system_names_the_file(invoke, pipeline):
    pipeline.error = PermissionError(13, "Permission denied", "runs/x")
    result = invoke("run")
    assert (result.exit_code, result.stderr) == (2, "error: runs/x: permission denied\n")


def test_an_error_of_the_file_system_leaves_a_name_as_it_is(invoke, pipeline):
    pipeline.error = OSError(2, "Failed to open local file '/Data/X'")
    assert invoke("run").stderr == "error: failed to open local file '/Data/X'\n"


def test_a_bug_is_no_request_error(invoke, pipeline):
    pipeline.error = ValueError("a bug")
    result = invoke("run")
    assert result.exit_code == 1
    assert result.exception is pipeline.error


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "no.toml"], "error: no.toml: no such file; a TOML file is needed"),
        (["run", "mnits.toml"], "error: mnits.toml: no such file; did you mean "),
        (
            ["run", "--set", "sweep.latent_dim=[0]"],
            "error: --set: sweep.latent_dim[0]: 0 is not",
        ),
        (["run", "--set", "x=1"], "error: --set: x: unknown key"),
        (["run", "--executor", "dask"], "error: --executor: 'dask' is not allowed; auto, local, "),
        (["run", "--address", "auto"], "error: --address: is of --executor ray, not of auto"),
        (
            ["run", "--executor", "ray", "--address", "auto", "--workers", "2"],
            "error: --workers: a running cluster (--address) has the CPUs it has",
        ),
        (
            ["run", "--executor", "local", "--cohort-seconds", "9"],
            "error: --cohort-seconds: a cohort in this process cannot be ended; use --executor p",
        ),
        (["status", "no"], "error: no: is no sweep directory (it has no spec.toml)"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(invoke, pipeline, arguments, line):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert pipeline.calls == []


def test_status_shows_what_is_missing(invoke, tmp_path):
    SweepDirectory(tmp_path / "a", load_spec()).close()
    result = invoke("status", str(tmp_path / "a"))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "digits",
        "",
        "device  ok  failed  skipped  missing",
        "cpu      0       0        0      105",
        "cuda     0       0        0      105",
        "",
        "report: none yet",
    ]


def test_status_of_a_running_sweep_says_who_is_at_work_and_how_far_it_is(invoke, tmp_path):
    with SweepDirectory(tmp_path / "a", load_spec()):
        result = invoke("status", str(tmp_path / "a"))
    (line,) = (line for line in result.output.splitlines() if line.startswith("running: "))
    assert line.startswith(f"running: process {os.getpid()} on host ")
    assert line.endswith(", 0 of 210 runs are there")


def test_one_run_is_not_several():
    assert [counted(count, "run") for count in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_report_refreshes_the_tables_and_draws(invoke, tmp_path, monkeypatch):
    with SweepDirectory(tmp_path / "a", load_spec()) as directory:
        from bench.results import Store

        Store(directory.store_path).close()
    drawn = []

    def build(path, *, formats):
        drawn.append((path, (path / "results.parquet").exists(), formats))
        return path / "report" / "index.html"

    monkeypatch.setitem(sys.modules, "reports", SimpleNamespace(build=build))
    monkeypatch.setattr(sys.modules["reports"], "VECTOR_FORMATS", ("svg", "pdf"), raising=False)
    result = invoke("report", str(tmp_path / "a"), "--formats", "svg")
    assert result.exit_code == 0
    assert drawn == [(tmp_path / "a", True, ("svg",))]
    assert result.output == f"report: {tmp_path / 'a' / 'report' / 'index.html'}\n"


def test_a_mistyped_command_or_option_is_met_with_the_nearest(invoke):
    assert "Did you mean 'status'?" in invoke("statsu").stderr
    assert "--retry-failed" in invoke("run", "--retry-faild").stderr


def test_a_shell_completes_commands_and_options():
    def completed(words):
        code = "import sys; sys.argv = ['vaebench']; from bench.cli import main; main()"
        asked = {"_VAEBENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "1"}
        if words.count(" ") > 1:
            asked["COMP_CWORD"] = "2"
        finished = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | asked,
            capture_output=True,
            text=True,
            check=False,
        )
        return finished.stdout.split()

    assert completed("vaebench re") == ["report", "repair"]
    assert completed("vaebench run --exe") == ["--executor"]


@pytest.mark.parametrize(
    ("command", "module", "function", "code"),
    [
        ("kernels", "kernel_benchmark", "run", 1),
        ("throughput", "throughput_report", "run_throughput", 0),
    ],
)
def test_speed_is_measured_where_asked_and_its_report_drawn(
    invoke, tmp_path, monkeypatch, command, module, function, code
):
    import reports

    measured = []
    monkeypatch.setattr(
        importlib.import_module(f"bench.measure.{module}"),
        function,
        lambda *given, **_: measured.extend(given) or code,
    )
    monkeypatch.setattr(reports, "build", lambda directory: directory / "report" / "index.html")
    result = invoke(command, "--out", str(tmp_path))
    assert result.exit_code == code
    assert measured[-1] == tmp_path
    assert result.output.endswith(f"report: {tmp_path}/report/index.html\n")


def test_datasets_are_listed_with_where_to_get_them(invoke):
    result = invoke("datasets")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(DATASETS)
    assert "comes with scikit-learn; nothing to do" in lines[1]
    assert max(map(len, lines)) <= 80


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [[], ["run"], ["report"], ["status"], ["datasets"]])
def test_help_answers(command):
    result = python("-m", "bench", *command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(" ".join(["Usage: python -m bench", *command]))


def test_help_needs_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from bench.cli import app\n"
        "CliRunner().invoke(app, ['--help'])\n"
        "print({'torch', 'pandas', 'pydantic', 'numpy', 'pyarrow'} & set(sys.modules))"
    )
    assert python("-c", code).stdout == "set()\n"


@pytest.mark.parametrize("command", [None, *get_command(app).commands])
def test_help_has_an_example_at_every_level(invoke, command):
    shown = invoke(*filter(None, [command]), "--help").output
    first = shown[shown.index("  Example") :].splitlines()[1].split()
    assert first[:3] == ["python", "-m", "bench"]
    assert command is None or first[3] == command


def test_help_shows_how_to_type_it():
    shown = python("-m", "bench", "run", "--help").stdout
    assert "\n    python -m bench run sweep.toml --dry-run\n" in shown
    assert "\x08" not in shown


def test_a_closed_pipe_shows_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "bench", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert "Traceback" not in process.stderr
