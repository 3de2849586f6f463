"""The page of a running sweep: drawn as cohorts finish, never at more than a fifth of the time."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import bench.live as module
from bench.live import COST_SHARE, LivePage


@pytest.fixture
def drawn(monkeypatch):
    """A page whose drawing takes as long as the test wants, on a clock of the test's own."""
    stub = SimpleNamespace(now=100.0, cost=10.0, calls=[])

    def build(directory, **options):
        stub.now += stub.cost
        stub.calls.append(options)

    store = SimpleNamespace(statuses=lambda: {"a": "ok", "b": "failed"})
    monkeypatch.setattr(module, "export", lambda *_: None)
    monkeypatch.setattr(module.reports, "build", build)
    stub.page = LivePage(store, Path("out"), total=1050, formats=("svg",), clock=lambda: stub.now)
    return stub


def test_the_first_cohort_is_drawn_and_the_page_says_how_far_it_is(drawn):
    assert drawn.page.refresh()
    (options,) = drawn.calls
    assert options == {
        "only_if_changed": True,
        "formats": ("svg",),
        "progress": "2 of 1,050 runs so far",
    }


def test_drawing_takes_at_most_its_share_of_the_time(drawn):
    started = drawn.now
    for _ in range(1000):
        drawn.page.refresh()
        drawn.now += 0.9
    spent = drawn.cost * len(drawn.calls)
    assert 0.5 * COST_SHARE < spent / (drawn.now - started) < 1.1 * COST_SHARE


def test_nothing_is_drawn_again_at_once(drawn):
    assert drawn.page.refresh()
    assert not drawn.page.refresh()
