"""What cannot be timed in turn, and what is kept out of it."""

import gc
import time

import pytest

from bench.gates import interleaved
from bench.gates.interleaved import time_in_turn


def test_what_waits_instead_of_working_is_said_not_repeated_for_ever(monkeypatch):
    monkeypatch.setattr(interleaved, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(ValueError, match=r"what is timed waits instead of working$"):
        time_in_turn(None, lambda: time.sleep(0.01), lambda: sum(range(1000)))


def test_garbage_is_not_looked_for_among_what_was_there_before(monkeypatch):
    monkeypatch.setattr(interleaved, "PATIENCE_SECONDS", 0.05)
    set_aside = []
    with pytest.raises(ValueError, match="waits"):
        time_in_turn(
            None, lambda: set_aside.append(gc.get_freeze_count()), lambda: time.sleep(0.01)
        )
    assert set_aside[0] > 0
    assert gc.get_freeze_count() == 0
