"""The verdicts as a table: on a terminal, as Markdown for a pull request, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.console import table
from bench.gates.baseline import Entry
from bench.gates.judge import Row

__all__ = ["plain", "summary", "write"]

HEADER = ("figure", "baseline", "now", "interval", "allowed", "verdict")


def plain(rows: Sequence[Row]) -> str:
    """Columns of text."""
    return table(HEADER, [_cells(row) for row in rows])


def markdown(rows: Sequence[Row], title: str) -> str:
    """A page with what is wrong first, and then everything."""
    wrong = [row for row in rows if not row.verdict.passes]
    parts = [f"## {title}", "", summary(rows), ""]
    parts += [*_markdown_table(wrong), ""] if wrong else []
    parts += ["<details><summary>All figures</summary>", "", *_markdown_table(rows), ""]
    parts += ["</details>", ""]
    return "\n".join(parts)


def summary(rows: Sequence[Row]) -> str:
    """One line: how many figures there are, and what was found beside ok."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.verdict] = counts.get(row.verdict, 0) + 1
    ok = counts.pop("ok", 0)
    others = [f"{number} {verdict}" for verdict, number in counts.items()]
    end = "pass" if all(row.verdict.passes for row in rows) else "FAIL"
    return f"gate: {end} ({', '.join([f'{ok} of {len(rows)} figures ok', *others])})"


def write(
    folder: Path, rows: Sequence[Row], *, title: str, provenance: Mapping[str, str | float | None]
) -> list[Path]:
    """Write ``gate.md`` and ``gate.json`` into ``folder``; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "passes": all(row.verdict.passes for row in rows),
        "provenance": dict(provenance),
        "rows": [_as_json(row) for row in rows],
    }
    texts = {
        folder / "gate.md": markdown(rows, title),
        folder / "gate.json": json.dumps(content, indent=1) + "\n",
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _as_json(row: Row) -> dict[str, object]:
    fields = asdict(row)
    for name in ("baseline", "now"):
        entry = getattr(row, name)
        fields[name] = None if entry is None else entry.model_dump()
    return fields


def _markdown_table(rows: Sequence[Row]) -> list[str]:
    lines = [HEADER, ("---",) * len(HEADER), *[_cells(row) for row in rows]]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _cells(row: Row) -> tuple[str, ...]:
    verdict = f"{row.verdict} ({row.note})" if row.note else str(row.verdict)
    return (
        row.name,
        _number(row.baseline.value if row.baseline else None),
        _number(row.now.value if row.now else None),
        _interval(row.now),
        _allowed(row),
        verdict,
    )


def _interval(entry: Entry | None) -> str:
    if entry is None or entry.low == entry.high:
        return ""
    return f"{_number(entry.low)} – {_number(entry.high)}"


def _allowed(row: Row) -> str:
    if row.allowed_high is None:
        return ""
    if row.allowed_low is None:
        return f"≤ {_number(row.allowed_high)}"
    return f"{_number(row.allowed_low)} – {_number(row.allowed_high)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
