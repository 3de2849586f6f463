"""Lists and tables stand apart from prose, so that every reader of Markdown shows them as such."""

import re
from itertools import pairwise

import pytest

from bench.gates.command import ROOT

from .conftest import FENCE, documents

ITEM = re.compile(r"\s*(?:[-*]|\d+\.) ")
RULE = re.compile(r"\|[-:| ]+\|$")


@pytest.mark.parametrize("page", documents())
def test_lists_and_tables_stand_apart(page):
    prose = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")).splitlines()
    for before, line in pairwise(["", *prose]):
        if ITEM.match(line):
            assert not before.strip() or before.startswith(" ") or ITEM.match(before), line
        if line.startswith("|"):
            assert not before.strip() or before.startswith("|"), line


@pytest.mark.parametrize("page", documents())
def test_every_table_has_a_head(page):
    prose = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for table in re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE):
        assert RULE.match(table.splitlines()[1]), table.splitlines()[0]
