"""Measured against expected: a verdict for every figure. Pure functions; no file, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.gates.baseline import Entry, entries_of
from bench.gates.records import Absent, Record

__all__ = ["Row", "Verdict", "confirm", "judge"]


class Verdict(StrEnum):
    """What is said of a figure; the first four let a change pass."""

    OK = "ok"
    FASTER = "faster: baseline is stale"
    FEWER = "fewer: baseline is stale"
    NEW = "new"
    SLOWER = "SLOWER"
    MORE = "MORE"
    OUTSIDE = "OUTSIDE"
    VANISHED = "VANISHED"
    DISABLED = "DISABLED"
    FAILED = "FAILED"
    NO_BASELINE = "NO BASELINE"

    @property
    def passes(self) -> bool:
        """Whether a change with this verdict may be merged."""
        return self in {Verdict.OK, Verdict.FASTER, Verdict.FEWER, Verdict.NEW}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    baseline, now
        What the figure was and what it is; None where there is none.
    allowed_low, allowed_high
        Where ``now`` may lie.
    node
        The test to run again; None if it was not run.
    """

    name: str
    verdict: Verdict
    baseline: Entry | None = None
    now: Entry | None = None
    allowed_low: float | None = None
    allowed_high: float | None = None
    note: str = ""
    node: str | None = None


def judge(
    expected: Mapping[str, Entry], records: Sequence[Record], *, unknown_is_new: bool = False
) -> list[Row]:
    """Compare what was measured with what is expected, name by name.

    Parameters
    ----------
    expected
        Of the baseline, or of another commit.
    records
        Of all processes of this commit.
    unknown_is_new
        A figure that is not expected passes as new; otherwise it fails, for it has no baseline.
    """
    absent = {record.node: record for record in records if isinstance(record, Absent)}
    figures = [record for record in records if not isinstance(record, Absent)]
    nodes = {figure.name: figure.node for figure in figures}
    measured = entries_of(figures)
    rows = []
    for name in dict.fromkeys([*expected, *measured]):
        if name not in measured:
            rows.append(_missing(name, expected[name], absent))
        elif name not in expected and unknown_is_new and measured[name].kind == "closed-form":
            row = _compare(name, measured[name], measured[name])  # theory needs no other commit
            rows.append(replace(row, node=nodes[name]))
        elif name not in expected:
            verdict = Verdict.NEW if unknown_is_new else Verdict.NO_BASELINE
            rows.append(Row(name, verdict, now=measured[name], node=nodes[name]))
        else:
            row = _compare(name, expected[name], measured[name])
            rows.append(replace(row, node=nodes[name]))
    reported = {row.name for row in rows if row.verdict is Verdict.FAILED}
    rows += [
        Row(record.name, Verdict.FAILED, note=record.reason, node=record.node)
        for record in absent.values()
        if record.kind == "failed" and not any(_is_of(name, record) for name in reported)
    ]
    return rows


def confirm(first: Sequence[Row], again: Sequence[Row]) -> list[Row]:
    """Keep ``SLOWER`` only where a second measurement says so too."""
    second = {row.name: row for row in again}
    rows = []
    for row in first:
        if row.verdict is Verdict.SLOWER and row.name in second:
            now = row.now.value if row.now else float("nan")
            later = second[row.name]
            notes = filter(None, [f"measured twice, first {now:.3g}", later.note])
            rows.append(replace(later, note="; ".join(notes)))
        else:
            rows.append(row)
    return rows


def _compare(name: str, was: Entry, now: Entry) -> Row:
    if was.kind != now.kind:
        note = f"was {was.kind}, is {now.kind}"
        return Row(name, Verdict.NO_BASELINE, baseline=was, now=now, note=note)
    if was.kind in {"timed", "count"}:
        low, high = was.value / was.tolerance, was.value * was.tolerance
        slower, faster = {
            "timed": (Verdict.SLOWER, Verdict.FASTER),
            "count": (Verdict.MORE, Verdict.FEWER),
        }[was.kind]
        verdict = slower if now.value > high else faster if now.value < low else Verdict.OK
        allowed_low = None
    else:
        # Theory's own range, not the baseline's, for what has a closed form.
        low, high = (now.low, now.high) if was.kind == "closed-form" else (was.low, was.high)
        inside = low <= now.value <= high and was.samples == now.samples
        verdict = Verdict.OK if inside else Verdict.OUTSIDE
        allowed_low = low
    return Row(name, verdict, was, now, allowed_low=allowed_low, allowed_high=high)


def _missing(name: str, was: Entry, absent: Mapping[str, Absent]) -> Row:
    for record in absent.values():
        if _is_of(name, record):
            verdict = Verdict.FAILED if record.kind == "failed" else Verdict.DISABLED
            return Row(name, verdict, baseline=was, note=record.reason, node=record.node)
    return Row(name, Verdict.VANISHED, baseline=was)


def _is_of(name: str, record: Absent) -> bool:
    """A test may give several figures: its own name, or that name and what is measured."""
    return name == record.name or name.startswith(f"{record.name} ")
