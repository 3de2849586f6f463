"""Measurements to one row a peer: time a model and step, its ratio to ours, and what was learnt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Literal

from bench.peers.protocol import OURS, PEERS
from bench.peers.quality import Quality
from bench.peers.rounds import Measurement

Clock = Literal["cpu", "wall"]


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise one value a round."""
        return cls(median(values), min(values), max(values))

    def text(self) -> str:
        """``1.23 [1.20–1.31]``: three digits of the median, whether it is of a CPU or a GPU."""
        magnitude = math.floor(math.log10(self.median)) if self.median > 0 else 0
        digits = max(0, 2 - magnitude)
        middle, low, high = (f"{x:,.{digits}f}" for x in (self.median, self.low, self.high))
        return f"{middle} [{low}–{high}]"


@dataclass(frozen=True)
class Row:
    """One peer.

    Attributes
    ----------
    wall_ms, cpu_ms
        Milliseconds a model and optimiser step, on the wall and of processor time.
    ratio
        Its time over ours, taken within each round, by the clock of the table.
    test_mse, test_elbo_nats
        Mean and standard deviation over models of different seeds; None for the floor.
    """

    peer: str
    title: str
    models: int
    wall_ms: Spread
    cpu_ms: Spread
    ratio: Spread
    test_mse: tuple[float, float] | None
    test_elbo_nats: tuple[float, float] | None


def rows(measurements: Iterable[Measurement], steps: int, clock: Clock) -> list[Row]:
    """One row a peer, in the order of ``PEERS``; ours, of one device, must be among the peers."""
    by_peer: defaultdict[str, dict[int, Measurement]] = defaultdict(dict)
    for measured in measurements:
        by_peer[measured.peer][measured.round] = measured
    (ours,) = by_peer.keys() & OURS.values()
    return [
        _row(name, by_peer[name], by_peer[ours], steps, clock) for name in PEERS if name in by_peer
    ]


def _row(
    name: str,
    measured: Mapping[int, Measurement],
    ours: Mapping[int, Measurement],
    steps: int,
    clock: Clock,
) -> Row:
    peer = PEERS[name]
    (models,) = {m.models for m in measured.values()}
    wall = [1e3 * m.wall_seconds / (models * steps) for m in measured.values()]
    cpu = [1e3 * m.cpu_seconds / (models * steps) for m in measured.values()]
    seconds = {"wall": "wall_seconds", "cpu": "cpu_seconds"}[clock]
    ratio = [
        ours[index].models / m.models * getattr(m, seconds) / getattr(ours[index], seconds)
        for index, m in measured.items()
    ]
    worth = _of_distinct_seeds(measured, models)
    return Row(
        peer=name,
        title=peer.title,
        models=models,
        wall_ms=Spread.of(wall),
        cpu_ms=Spread.of(cpu),
        ratio=Spread.of(ratio),
        test_mse=_mean_and_deviation([q.test_mse for q in worth]),
        test_elbo_nats=_mean_and_deviation([q.test_elbo_nats for q in worth]),
    )


def _of_distinct_seeds(measured: Mapping[int, Measurement], models: int) -> list[Quality]:
    """A peer of several models trains the same seeds every round; they count once."""
    rounds = list(measured.values())
    return [q for m in (rounds if models == 1 else rounds[:1]) for q in m.quality]


def _mean_and_deviation(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    return fmean(values), stdev(values) if len(values) > 1 else 0.0


def markdown(table: Sequence[Row]) -> str:
    """The table, in Markdown that also reads as plain text."""
    header = (
        "trained by",
        "models at once",
        "ms per model and step, wall",
        "ms per model and step, processor",
        "time / ours",
        "test MSE",
        "test ELBO, nats",
    )
    cells = [
        (
            row.title,
            str(row.models),
            row.wall_ms.text(),
            row.cpu_ms.text(),
            row.ratio.text(),
            _worth(row.test_mse, 4),
            _worth(row.test_elbo_nats, 2),
        )
        for row in table
    ]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    lines = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in (header, *cells)
    ]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _worth(value: tuple[float, float] | None, digits: int) -> str:
    return "" if value is None else f"{value[0]:.{digits}f} ± {value[1]:.{digits}f}"
