"""Version, changelog and citation say the same."""

import re

from bench import __version__
from bench.gates.command import ROOT


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [__version__]


def test_the_changelog_begins_with_what_is_not_released_and_then_has_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *released = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert first == "Unreleased"
    assert released[:1] in ([], [__version__])
