"""The documents a reader may open, and their fenced code blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.gates.command import ROOT

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def documents():
    """Every Markdown file that is part of the project, by its path from the root."""
    folders = ("docs", "examples", ".github")
    found = [
        *ROOT.glob("*.md"),
        *(page for name in folders for page in (ROOT / name).rglob("*.md")),
    ]
    return sorted(page.relative_to(ROOT).as_posix() for page in found)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, in which language, what it says."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self):
        return f"{self.page}:{self.line}"

    @property
    def source(self):
        """Path of the example that the block says it is taken from, if it does."""
        first = self.text.partition("\n")[0]
        return first.removeprefix("# ") if first.startswith("# examples/") else None

    @property
    def body(self):
        """The text without the line that names its source."""
        return self.text.partition("\n")[2] if self.source else self.text


def blocks(*languages):
    """Blocks of these languages as test cases."""
    found = []
    for page in documents():
        text = Path(ROOT, page).read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match["language"], match["text"]))
    return [pytest.param(block, id=block.name) for block in found if block.language in languages]
