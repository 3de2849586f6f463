from __future__ import annotations

import pytest

from bench.peers.protocol import PEERS
from bench.peers.quality import Quality
from bench.peers.rounds import Measurement
from bench.peers.table import Spread, markdown, rows


def measured(peer: str, index: int, seconds: float, *worth: float) -> Measurement:
    quality = tuple(Quality(value, -10 * value) for value in worth)
    return Measurement(peer, index, PEERS[peer].models, 2 * seconds, seconds, quality)


def test_time_is_of_one_model_and_one_step_and_ratios_stay_within_a_round():
    measurements = [
        measured("vaebench", 0, 16.0, *[0.1] * 16),
        measured("pythae", 0, 4.0, 0.1),
        measured("vaebench", 1, 32.0, *[0.1] * 16),  # the machine is half as fast this round
        measured("pythae", 1, 8.0, 0.3),
    ]
    ours, pythae = rows(measurements, steps=1_000, clock="cpu")
    assert (ours.peer, pythae.peer) == ("vaebench", "pythae")
    assert ours.cpu_ms == Spread(1.5, 1.0, 2.0)
    assert ours.wall_ms == Spread(3.0, 2.0, 4.0)
    assert ours.ratio == Spread(1.0, 1.0, 1.0)
    assert pythae.cpu_ms == Spread(6.0, 4.0, 8.0)
    assert pythae.ratio == Spread(4.0, 4.0, 4.0)


def test_the_clock_decides_the_ratio():
    ours = Measurement("vaebench", 0, 16, 32.0, 16.0, ())
    other = Measurement("jax-64", 0, 64, 64.0, 64.0, ())
    assert rows([ours, other], steps=1, clock="cpu")[1].ratio.median == 1.0
    assert rows([ours, other], steps=1, clock="wall")[1].ratio.median == 0.5


def test_a_stack_that_trains_the_same_seeds_each_round_counts_once():
    measurements = [measured("vaebench", index, 1.0, *([0.1, 0.3] * 8)) for index in range(3)] + [
        measured("pytorch", index, 1.0, 0.1 * (index + 1)) for index in range(3)
    ]
    ours, loop = rows(measurements, steps=1, clock="cpu")
    assert ours.test_mse == (pytest.approx(0.2), pytest.approx(0.1 * (16 / 15) ** 0.5))
    assert loop.test_mse == (pytest.approx(0.2), pytest.approx(0.1))
    assert loop.test_elbo_nats == (pytest.approx(-2.0), pytest.approx(1.0))


def test_the_floor_learns_nothing_and_says_so():
    measurements = [measured("vaebench", 0, 1.0, 0.1), measured("floor-16", 0, 0.5)]
    table = rows(measurements, steps=1, clock="cpu")
    assert table[1].test_mse is None
    last = markdown(table).splitlines()[-1]
    assert last.count("|") == 8
    assert last.endswith("|                 |") or last.rstrip("| ").endswith("[0.500–0.500]")


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        (Spread(0.0017045, 0.0016931, 0.0017159), "0.00170 [0.00169–0.00172]"),
        (Spread(1.27, 1.264, 1.278), "1.27 [1.26–1.28]"),
        (Spread(46.14, 45.74, 46.56), "46.1 [45.7–46.6]"),
        (Spread(2250.3, 2204.4, 2296.2), "2,250 [2,204–2,296]"),
        (Spread(0.0, 0.0, 0.0), "0.00 [0.00–0.00]"),
    ],
)
def test_times_of_a_gpu_and_of_a_cpu_have_three_digits(spread, text):
    assert spread.text() == text
