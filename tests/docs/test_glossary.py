"""The glossary has every word that a specification or a command may use."""

import re

import pytest

from bench import plan
from bench.executors.choice import EXECUTORS
from bench.gates.command import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
WORDS = {
    *plan.OBJECTIVES,
    *plan.LIKELIHOODS,
    *plan.POSTERIORS,
    *plan.KL_SCHEDULES,
    *{*plan.ENGINES, *plan.KERNELS, *EXECUTORS} - {"auto"},
}


@pytest.mark.parametrize("word", sorted(WORDS))
def test_a_word_is_explained(word):
    assert f"`{word}`" in PAGE


def test_no_term_is_explained_twice():
    terms = re.findall(r"^\| ([^|]+?) \|", PAGE, re.MULTILINE)
    repeated = {term for term in terms if terms.count(term) > 1} - {"term", "symbol", "---"}
    assert repeated == set()
