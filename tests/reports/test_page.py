"""The page as a document: self-contained, escaped, honest."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from reports import build

HOSTILE = "<script>alert(1)</script> \"q\" 'a' & {{ 7*7 }} \N{TEST TUBE} $x^2$ " + "long " * 40


class Document(HTMLParser):
    """Elements with their attributes, and the text inside scripts and styles."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside in self.inline:
            self.inline[self._inside].append(data)
        else:
            self.text += data

    def every(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(default_report):
    return Document(default_report.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, sweep_writer_class):
    writer = sweep_writer_class(
        tmp_path_factory.mktemp("hostile") / "sweep",
        latent_dims=(2,),
        kl_weights=(0.1,),
        seeds=(0,),
        devices=(HOSTILE,),
        pictures=False,
        name=HOSTILE,
        columns={"dataset": HOSTILE, "architecture": HOSTILE, "reason": HOSTILE, "dtype": HOSTILE},
        drop=("test_mse", "prior_precision", "prior_recall", "prior_density", "prior_coverage"),
    )
    return Document(build(writer.write()).read_text(encoding="utf-8"))


def test_no_request_leaves_the_page(page):
    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "srcset", "href", "action", "data", "poster"}
    ]
    assert len(links) > 60
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not re.search(r"url\(|@import|https?://", "".join(page.inline["style"]))
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?://", page.inline["script"][-1])


def test_the_policy_allows_exactly_this_style_and_script(page):
    meta = page.every("meta")
    policy = next(m["content"] for m in meta if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    for text in (page.inline["style"][0], page.inline["script"][-1]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in page.elements)
    assert not any(name.startswith("on") for _, a in page.elements for name in a)


def test_every_picture_says_what_it_shows(page):
    pictures = [image for image in page.every("img") if "src" in image]
    assert len(pictures) == 24
    for image in pictures:
        assert len(image["alt"]) > 60
        assert re.search(r"\d", image["alt"])


def test_every_figure_offers_its_numbers(page):
    links = [link for link in page.every("a") if "download" in link]
    assert len(links) == 24
    for link in links:
        kind, content = link["href"].split(",", 1)
        assert kind == "data:text/csv;base64"
        assert len(pd.read_csv(io.BytesIO(base64.b64decode(content))))


def test_the_verdict_and_the_skipped_runs_are_on_top(page):
    top = page.text[: page.text.index("What it looks like", page.text.index("What to take"))]
    for part in ("VAE better", "Generation: the best VAE", "To reconstruct: take VAE, latent 16"):
        assert part in top
    assert "105 skipped on cuda: device cuda: torch reports no CUDA device" in re.sub(
        r"\s+", " ", top
    )
    assert "flatters it" in top


def test_provenance_says_what_ran(page):
    assert "105 runs on cpu, float32, kernel reference, executor local." in page.text
    assert "python -m bench run --out runs/digits" in page.text
    assert "AMD EPYC 7763" in page.text


def test_details_of_runs_are_data(page):
    details = json.loads(page.inline["script"][0])
    assert len(details) == 210
    assert "latent_dim = [2]" in details["ae-2-0-0-cpu"]["toml"]


def test_the_default_page_is_small(default_report):
    assert default_report.stat().st_size < 6_000_000


def test_nothing_of_a_sweep_is_markup(hostile):
    assert [script.get("type") for script in hostile.every("script")] == ["application/json", None]
    assert "alert(1)" not in hostile.inline["script"][-1]
    assert "<script>alert(1)</script> \"q\" 'a' & {{ 7*7 }} \N{TEST TUBE}" in hostile.text
    assert json.loads(hostile.inline["script"][0])["vae-2-0.1-0-cuda"]["toml"].startswith(
        'name = "<script>'
    )
