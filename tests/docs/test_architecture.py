"""ARCHITECTURE.md is true of the tree."""

import ast
import re
import tomllib
from functools import cache

import pytest

from bench.gates.command import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
HOUSE = re.findall(r"^\| `([\w.]+)` \| (.+) \| (.*) \|$", PAGE, re.MULTILINE)
ROOTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]["wheel"]["packages"]


@cache
def packages():
    folders = (path.parent for root in ROOTS for path in (ROOT / root).rglob("__init__.py"))
    return {".".join(folder.relative_to(ROOT).parts) for folder in folders}


def imported(package):
    """The packages of ours that the modules of a package import, itself left out."""
    found = set()
    for module in (ROOT / package.replace(".", "/")).glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    homes = {home_of(name) for name in found}
    return homes - {None, package}


def home_of(name):
    """The package of ours that a module or a name in it belongs to."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in packages()), None)


def test_the_house_lists_every_package():
    assert {name for name, *_ in HOUSE} == packages()


@pytest.mark.parametrize(("package", "row"), [(name, row) for name, _, row in HOUSE])
def test_a_package_imports_what_its_row_allows(package, row):
    named = set(re.findall(r"`([\w.]+)`", row))
    allowed = packages() - named if row.startswith("all of them but") else named
    assert imported(package) <= allowed


@pytest.mark.parametrize("package", ["bench.peers", "bench.chaos"])
def test_what_nothing_imports_is_imported_by_nothing(package):
    assert not [name for name in packages() - {package} if package in imported(name)]


@pytest.mark.parametrize(
    ("path", "name"), sorted(set(re.findall(r"`([\w/]+\.py): ([\w.]+)`", PAGE)))
)
def test_a_named_place_is_there(path, name):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    assert set(name.split(".")) <= names


def test_every_path_is_there():
    paths = re.findall(r"`((?:bench|vae_core|kernels|reports|tests|docs)/[\w/.]*)`", PAGE)
    assert [path for path in paths if not (ROOT / path).exists()] == []
