"""Every fenced block does what it says: Python runs, specifications are valid, commands exist."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from types import SimpleNamespace

import pytest
import torch
import typer
from typer.testing import CliRunner

import bench.cli
from bench.gates.command import ROOT
from bench.plan import SweepSpec
from bench.plan.keys import key_tree
from kernels import reparameterize_kl

from .conftest import Block, blocks, documents

LANGUAGES = {"python", "toml", "sh", "", "diff", "text"}
NOT_OURS = {".", "cd", "eval", "git", "pre-commit", "printf", "ray", "sbatch", "srun"}
OF_THE_SUITE = ("bench", "report", "gate", "kernels")
"""Sessions whose arguments go to a command of the same name; ``bench`` is ``run``."""


@pytest.fixture(scope="module")
def finished_sweep(tmp_path_factory):
    """A folder in which ``runs/digits`` and ``runs/warmup`` are sweeps; and the id of a run."""
    folder = tmp_path_factory.mktemp("documents")
    sets = ("training.epochs=1", "sweep.latent_dim=[2]", "sweep.kl_weight=[0.1]", "sweep.seed=[0]")
    options = [part for pair in sets for part in ("--set", pair)]
    spec = str(ROOT / "bench" / "sweeps" / "quick.toml")
    out = folder / "runs" / "digits"
    command = ["run", spec, "--out", str(out), "--no-report", "--executor", "local", *options]
    assert CliRunner().invoke(bench.cli.app, command).exit_code == 0
    (out.parent / "warmup").symlink_to(out)
    return SimpleNamespace(folder=folder, run_id=next((out / "artifacts").iterdir()).name)


def names_a_reader_has():
    """What blocks that show a single call are given: tensors of the right shapes, and the op."""
    mu, logvar = torch.zeros(3, 4, 8), torch.zeros(3, 4, 8)
    return {
        "reparameterize_kl": reparameterize_kl,
        "mu": mu,
        "logvar": logvar,
        "seeds": torch.arange(3),
        "step": torch.zeros((), dtype=torch.int64),
        "images": torch.rand(4, 1, 8, 8),
    }


def test_no_block_is_of_a_language_that_is_not_checked():
    found = re.compile(r"^```(\w+)", re.MULTILINE)
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in documents()]
    assert {word for text in texts for word in found.findall(text)} <= LANGUAGES


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block: Block, finished_sweep, monkeypatch):
    if block.source is not None:
        assert block.body in (ROOT / block.source).read_text(encoding="utf-8")
        return  # tests/examples runs the whole file
    monkeypatch.chdir(finished_sweep.folder)
    text = block.text.replace("<run_id>", finished_sweep.run_id)
    exec(compile(text, block.name, "exec"), names_a_reader_has())  # noqa: S102 - our own documents


@pytest.mark.parametrize("block", blocks("toml"))
def test_a_specification_is_valid(block: Block):
    table = tomllib.loads(block.text)
    SweepSpec.model_validate({"name": "a-part", **table})
    if block.source is not None:
        assert block.body in (ROOT / block.source).read_text(encoding="utf-8")


def test_the_page_of_sweeps_has_every_key():
    page = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^(?:# )?(\w+) = ", page, re.MULTILINE))
    tables = {table: set(keys) for table, keys in key_tree().items() if table}
    assert all(f"[{table}]" in page for table in tables)
    assert set.union(*tables.values()) <= shown


@pytest.mark.parametrize("block", blocks("diff"))
def test_a_difference_is_that_of_an_example(block: Block):
    page = (ROOT / block.page).read_text(encoding="utf-8")
    linked = re.findall(r"\]\((\.\./examples/[^)#]+)\)", page)
    of_examples = "".join((ROOT / "docs" / link).read_text(encoding="utf-8") for link in linked)
    for line in block.text.splitlines():
        assert line in of_examples or line[1:] in of_examples


@pytest.mark.parametrize("block", blocks("sh", ""))
def test_commands_exist(block: Block):
    for line in block.text.replace("\\\n", " ").splitlines():
        for words in commands_of(shlex.split(line, comments=True)):
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words:
                check_command([word.removeprefix(".venv/bin/") for word in words])


def commands_of(words):
    """The commands of one line of a shell."""
    commands = [[]]
    for word in words:
        if word in {"&&", "||", "&", "|", ";"}:
            commands.append([])
        elif word == ">":
            break
        else:
            commands[-1].append(word)
    return commands


def check_command(words):
    """Fail if the program, a command, an option or a file of ours does not exist."""
    program, *arguments = words
    if program == "nox":
        check_nox(arguments)
    elif program == "vaebench":
        check_bench(arguments)
    elif program in {"python", "python3"}:
        check_python(arguments)
    elif program in {"pip", "uv"}:
        check_install(arguments)
    else:
        assert program in NOT_OURS, words


def check_nox(arguments):
    if not arguments:
        return
    assert arguments[0] == "-s"
    assert arguments[1] in nox_sessions()
    ours = arguments[3:] if arguments[2:3] == ["--"] else []
    if arguments[1] in OF_THE_SUITE:
        check_bench(["run" if arguments[1] == "bench" else arguments[1], *ours])
    elif arguments[1] in {"peers", "chaos"}:
        check_options(f"bench.{arguments[1]}", ours)


def check_bench(arguments):
    commands = typer.main.get_command(bench.cli.app).commands
    if arguments[:1] in (["--help"], ["--install-completion"], ["--show-completion"]):
        return
    assert arguments[0] in commands
    commands[arguments[0]].make_context(arguments[0], arguments[1:])


def check_python(arguments):
    if arguments[0] != "-m":
        assert any((ROOT / folder / arguments[0]).exists() for folder in script_folders())
        return
    _, module, *rest = arguments
    if module == "bench":
        check_bench(rest)
    elif module.split(".")[0] in {"bench", "kernels"}:
        check_options(module, rest)
    elif module == "pytest":
        paths = [word for word in rest if word.startswith("tests/")]
        made = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("examples/*/*.patch"))
        assert all((ROOT / path).exists() or path in made for path in paths)
    else:
        assert module == "venv"


def check_install(arguments):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    known = extras["project"]["optional-dependencies"]
    for named in re.findall(r"(?:^\.|vaebench)\[([\w,]+)\]", "\n".join(arguments), re.MULTILINE):
        assert set(named.split(",")) <= known.keys()


def check_options(module, arguments):
    """Options of a program that reads them itself stand in its ``--help``."""
    options = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    shown = help_of(module) if options else ""
    assert all(option in shown for option in options)


@cache
def help_of(module):
    command = [sys.executable, "-m", module, "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@cache
def nox_sessions():
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if node.decorator_list}


def script_folders():
    return (".", *(f"examples/{path.name}" for path in (ROOT / "examples").iterdir()))
