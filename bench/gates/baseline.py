"""The committed baseline: what every figure was, with its interval, for each class of machine.

A baseline that is absent, damaged, of another schema or of other machines is an error, never a
pass.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.gates.errors import GateError
from bench.gates.records import ClosedForm, Count, Figure, Seeds, Timed
from bench.results.files import replaced

__all__ = [
    "SCHEMA_VERSION",
    "Entry",
    "MachineBaseline",
    "common_names",
    "entries_of",
    "read",
    "update",
]

SCHEMA_VERSION = 1

Provenance = dict[str, str | float | None]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Entry(_Part):
    """What one figure was.

    Attributes
    ----------
    value, low, high
        ``timed``: the median of several processes' ratios, the smallest and the largest. ``seeds``:
        the mean over seeds and its 95 % interval. ``count``: the number, thrice. ``closed-form``:
        what was measured, and the range that theory allows.
    tolerance
        ``timed`` and ``count``: the growth that is accepted; 1 for the others.
    samples
        Number of processes or of seeds.
    """

    kind: Literal["timed", "seeds", "count", "closed-form"]
    value: float
    low: float
    high: float
    tolerance: float
    samples: int


class MachineBaseline(_Part):
    """All figures on one class of machine, and where they come from."""

    provenance: Provenance
    entries: dict[str, Entry]


class _File(_Part):
    schema_version: int
    machines: dict[str, MachineBaseline]


def read(path: Path, machine: str) -> MachineBaseline:
    """Read the baseline of a class of machine.

    Raises
    ------
    GateError
        If there is none, or the file is not a baseline of this schema.
    """
    known = _parse(path, _text(path)).machines
    if machine not in known:
        raise GateError(
            f"{path}: has no baseline of machines of class {machine}; it has "
            f"{', '.join(sorted(known)) or 'none'}; --update-baseline adds this one, --against REF "
            "needs none"
        )
    return known[machine]


def update(path: Path, machine: str, baseline: MachineBaseline) -> None:
    """Put the baseline of one class of machine in place of what the file had of it.

    Raises
    ------
    GateError
        If there is a file already that is not a baseline of this schema.
    """
    machines = dict(_parse(path, _text(path)).machines) if path.exists() else {}
    machines[machine] = baseline
    content = _File(schema_version=SCHEMA_VERSION, machines=dict(sorted(machines.items())))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as beside:
        beside.write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")


def common_names(path: Path, text: str) -> set[str]:
    """Names that a baseline, given as text, has for every class of machine."""
    known = [set(machine.entries) for machine in _parse(path, text).machines.values()]
    return set.intersection(*known) if known else set()


def entries_of(figures: Sequence[Figure]) -> dict[str, Entry]:
    """Entries of what several processes measured, by name."""
    by_name: defaultdict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        by_name[figure.name].append(figure)
    return {name: _entry(same) for name, same in by_name.items()}


def _entry(same: Sequence[Figure]) -> Entry:
    last = same[-1]
    match last:
        case Timed():
            ratios = [figure.ratio for figure in same if isinstance(figure, Timed)]
            span = _rounded(median(ratios), min(ratios), max(ratios))
            return _of("timed", span, last.tolerance, len(ratios))
        case Seeds():
            low, high = last.mean - last.half_width, last.mean + last.half_width
            return _of("seeds", _rounded(last.mean, low, high), 1.0, len(last.values))
        case Count():
            return _of("count", (last.value, last.value, last.value), last.tolerance, 1)
        case ClosedForm():
            return _of("closed-form", (last.value, last.low, last.high), 1.0, 1)


def _of(
    kind: Literal["timed", "seeds", "count", "closed-form"],
    span: tuple[float, float, float],
    tolerance: float,
    samples: int,
) -> Entry:
    value, low, high = span
    return Entry(kind=kind, value=value, low=low, high=high, tolerance=tolerance, samples=samples)


def _rounded(*span: float) -> tuple[float, float, float]:
    """Six digits of what is known to fewer; what is exact stays so."""
    value, low, high = (float(f"{number:.6g}") for number in span)
    return value, low, high


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise GateError(
            f"{path}: no baseline; --update-baseline writes one, --against REF needs none"
        ) from None
    except UnicodeDecodeError as error:
        raise GateError(f"{path}: is damaged ({error}); bring back the committed file") from None


def _parse(path: Path, text: str) -> _File:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise GateError(f"{path}: is damaged ({error}); bring back the committed file") from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise GateError(
            f"{path}: has schema version {version}, this program reads {SCHEMA_VERSION}; remove it "
            "and write a new one with --update-baseline"
        )
    try:
        return _File.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise GateError(f"{path}: is damaged ({where}: {first['msg'].lower()})") from None
