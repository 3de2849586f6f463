"""Every link between documents leads to a file, and to a heading where it names one."""

import re
import unicodedata
from pathlib import Path

import pytest

from bench.gates.command import ROOT

from .conftest import FENCE, documents

LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a forge calls the headings of a page: lower case, no punctuation, hyphens for spaces."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text) for text in HEADING.findall(prose)]
    kept = [
        "".join(c for c in text.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        for text in headings
    ]
    return {text.replace(" ", "-") for text in kept}


@pytest.mark.parametrize("page", documents())
def test_links_lead_somewhere(page):
    here = ROOT / page
    prose = FENCE.sub("", here.read_text(encoding="utf-8"))
    targets = [link for link in LINK.findall(prose) if not re.match(r"https?:|mailto:", link)]
    for target in targets:
        path, _, anchor = target.partition("#")
        file = (here.parent / path).resolve() if path else here
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(file), target


def test_every_page_can_be_found_from_the_first():
    seen, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in LINK.findall(text):
            file = (ROOT / page).parent.joinpath(target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.is_relative_to(ROOT) and file.is_file():
                linked = file.relative_to(ROOT).as_posix()
                todo += [linked] if linked not in seen else []
    assert {page for page in documents() if page.startswith("docs/")} <= seen
