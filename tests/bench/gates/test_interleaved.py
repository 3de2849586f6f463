"""What cannot be timed in turn."""

import time

import pytest

from bench.gates import interleaved
from bench.gates.interleaved import time_in_turn


def test_what_waits_instead_of_working_is_said_not_repeated_for_ever(monkeypatch):
    monkeypatch.setattr(interleaved, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(ValueError, match=r"what is timed waits instead of working$"):
        time_in_turn(None, lambda: time.sleep(0.01), lambda: sum(range(1000)))
