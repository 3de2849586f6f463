"""Whether a page still shows what lies in its sweep directory: a hash of all it was drawn from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from reports import measurements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

INPUTS = (
    "spec.toml",
    "environment.json",
    "results.parquet",
    "curves.parquet",
    "throughput.parquet",
    *measurements.FILES,
)
NOTE = ".drawn-from"


def fingerprint(directory: Path, formats: Collection[str] = (), progress: str = "") -> str:
    """SHA-256 of the directory's tables, this package's own files and what was asked for, in hex.

    Pictures follow from the runs in the tables and are not read.
    """
    asked = " ".join([code_digest(), *sorted(formats), progress])
    return _digest([directory / name for name in INPUTS], asked)


def code_digest() -> str:
    """SHA-256 of this package's own files, in hex."""
    package = Path(__file__).parent
    return _digest(sorted(p for p in package.rglob("*") if p.suffix not in {"", ".pyc"}))


def _digest(paths: Iterable[Path], also: str = "") -> str:
    digest = hashlib.sha256(also.encode())
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def is_fresh(report: Path, drawn_from: str) -> bool:
    """Whether the page in ``report`` was drawn from exactly this."""
    note = report / NOTE
    return (
        (report / "index.html").is_file()
        and note.is_file()
        and note.read_text(encoding="utf-8") == drawn_from
    )
