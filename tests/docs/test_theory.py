"""The tables of docs/theory.md are those of the run that its figures come from."""

import re

import pandas as pd
import pytest

from bench.gates.command import ROOT

PAGE = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
MEANS = pd.read_csv(ROOT / "docs" / "results" / "theory.csv")


def tables():
    """Rows of numbers as (column, KL weight or None, text)."""
    for table in re.findall(r"((?:^\|.*\|\n)+)", PAGE, re.MULTILINE):
        heads, _, *rows = (
            [cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()
        )
        for first, *cells in rows:
            column = re.match(r"`(\w+)`", first)[1]
            for head, cell in zip(heads[1:], cells, strict=True):
                weight = None if head == "AE" else float(head.removeprefix("β = "))
                yield pytest.param(column, weight, cell, id=f"{column}-{head}")


@pytest.mark.parametrize(("column", "weight", "shown"), [*tables()])
def test_a_number_is_that_of_the_run(column, weight, shown):
    of = MEANS["objective"].eq("ae") if weight is None else MEANS["kl_weight"].eq(weight)
    (measured,) = MEANS.loc[of, column]
    if shown == "–":
        assert pd.isna(measured)
    else:
        decimals = len(shown.partition(".")[2])
        assert abs(float(shown) - measured) <= 0.5001 * 10**-decimals
