"""A subject and its reference timed in turn by pytest-benchmark, in one process.

Both meet the same moment of the machine, so that the ratio of their times holds where the times
themselves do not (``docs/gates.md`` has the measurement). Processor time is blind to other
programs that take the core away; the reference takes out what they do to caches and clocks.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

__all__ = ["cuda_clock", "time_in_turn"]

Call = Callable[[], object]
Clock = Callable[[], float]

ROUND_SECONDS = 0.01
"""A round repeats its call until it takes this long; shorter ones feel the clock's own cost."""

LONG_CALL_SECONDS = 1.0
"""A call that takes longer at first is not called again to see how much of that was warming up."""

PATIENCE_SECONDS = 20.0
"""How long calls are added to fill a round; one that sleeps would never fill it."""

BUDGET_SECONDS = 0.8
FEWEST_ROUNDS, MOST_ROUNDS = 3, 30


@contextmanager
def _older_objects_set_aside() -> Iterator[None]:
    """Have the garbage collector pass over all that is there; what is made meanwhile it collects.

    In a process with PyTorch a full collection takes 0.2 to 0.5 s, once in many calls. It would
    fall on the subject or on its reference by chance, and on either it is not theirs.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@_older_objects_set_aside()
def time_in_turn(
    benchmark: BenchmarkFixture, subject: Call, beside: Call, clock: Clock = time.process_time
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Time reference, subject, reference, …, reference; seconds of a call in every round.

    Returns
    -------
    seconds, beside_seconds
        One more of the reference than of the subject.
    """
    calls, round_seconds = _calls_a_round(subject, clock)
    beside_calls, beside_round_seconds = _calls_a_round(beside, clock)
    both = round_seconds + beside_round_seconds
    rounds = min(max(int(BUDGET_SECONDS / both), FEWEST_ROUNDS), MOST_ROUNDS)
    beside_seconds: list[float] = []

    def time_beside() -> None:
        beside_seconds.append(_seconds(beside, beside_calls, clock) / beside_calls)

    def many() -> None:
        for _ in range(calls):
            subject()

    benchmark.pedantic(many, setup=time_beside, rounds=rounds)  # type: ignore[no-untyped-call]
    time_beside()
    benchmark.extra_info["calls_a_round"] = calls
    benchmark.extra_info["beside_seconds_a_call"] = beside_seconds
    measured: Any = benchmark.stats
    return tuple(second / calls for second in measured.stats.data), tuple(beside_seconds)


def cuda_clock() -> Clock:
    """A clock of CUDA events: seconds between two readings as the current stream saw them."""
    import torch

    event: Any = partial(torch.cuda.Event, enable_timing=True)
    origin = event()
    origin.record()

    def read() -> float:
        now = event()
        now.record()
        now.synchronize()
        return float(origin.elapsed_time(now)) / 1e3

    return read


def _calls_a_round(call: Call, clock: Clock) -> tuple[int, float]:
    """Calls that fill a round, and the seconds it then takes; warms up on the way."""
    began = time.monotonic()
    calls, seconds = 1, _seconds(call, 1, clock)
    if seconds < LONG_CALL_SECONDS:
        while (seconds := _seconds(call, calls, clock)) < ROUND_SECONDS / 2:
            if (passed := time.monotonic() - began) > PATIENCE_SECONDS:
                raise ValueError(
                    f"{calls} calls take {seconds:.4f} s of the clock that judges them and "
                    f"{passed:.0f} s have passed: what is timed waits instead of working"
                )
            calls *= 2
        calls = max(1, math.ceil(calls * ROUND_SECONDS / seconds))
    return calls, max(seconds, ROUND_SECONDS)


def _seconds(call: Call, calls: int, clock: Clock) -> float:
    start = clock()
    for _ in range(calls):
        call()
    return clock() - start
