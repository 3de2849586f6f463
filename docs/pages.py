"""Lay out what the documentation site is built from: ``python docs/pages.py FOLDER``.

The folder becomes a copy of the checkout, so that links between documents and to the source hold as
they stand, with a reference of every package added. mkdocs does the rest (``nox -s docs``).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("kernels", "vae_core", "bench", "reports")


def lay_out(folder: Path) -> None:
    """Fill ``folder``, which is emptied before, with the checkout and the reference."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), names.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    for package in PACKAGES:
        for init in sorted((ROOT / package).rglob("__init__.py")):
            write_reference(init.parent, folder / "reference")


def write_reference(package: Path, folder: Path) -> None:
    """Write one page: every public module of a package, in the order of their names."""
    dotted = ".".join(package.relative_to(ROOT).parts)
    folder.mkdir(parents=True, exist_ok=True)
    modules = [f"{dotted}.{path.stem}" for path in sorted(package.glob("[!_]*.py"))]
    contents = "\n".join(f"::: {module}" for module in modules)
    page = f"# {dotted}\n\n::: {dotted}\n    options:\n      members: false\n\n{contents}\n"
    (folder / f"{dotted}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
