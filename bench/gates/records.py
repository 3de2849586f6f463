"""What one pytest process measured: a record a figure, as JSON between processes.

Four kinds of figure, and one for a test that gave none. Knows no baseline and no verdict.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

__all__ = ["Absent", "ClosedForm", "Count", "Figure", "Record", "Seeds", "Timed", "read", "write"]

CONFIDENCE = 0.95


class _Record(BaseModel):
    """``name`` is what the table says; ``node`` is the id that pytest knows the test by.

    NaN and infinity are no figures: a test that finds one fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    node: str


class Timed(_Record):
    """A subject and its reference, timed in turn: reference, subject, reference, …, reference.

    ``seconds`` are the subject's, one a round; ``beside_seconds`` the reference's, one more. Both
    are processor time, or CUDA events, of one round of calls, divided by the number of calls.
    ``tolerance`` is the growth of the ratio that is still accepted.
    """

    kind: Literal["timed"] = "timed"
    seconds: tuple[float, ...]
    beside_seconds: tuple[float, ...]
    tolerance: float

    @property
    def ratio(self) -> float:
        """Time of all rounds over that of the references around them.

        Not a median over rounds: that would not see work that only some steps do.
        """
        return sum(self.seconds) / sum(map(fmean, pairwise(self.beside_seconds)))


class Seeds(_Record):
    """One quality of a model, a value a seed; always of the same seeds.

    ``resolution`` is the least change that means anything: an image more or less, a rounding.
    """

    kind: Literal["seeds"] = "seeds"
    values: Annotated[tuple[float, ...], Field(min_length=2)]
    resolution: float

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return fmean(self.values)

    @property
    def half_width(self) -> float:
        """Of Student's 95 % interval of the mean over seeds, at least the resolution."""
        from scipy import stats  # takes a second to import

        count = len(self.values)
        quantile = float(stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1))
        return max(quantile * stdev(self.values) / math.sqrt(count), self.resolution)


class Count(_Record):
    """Something counted, the same each time; ``tolerance`` is the growth that is accepted."""

    kind: Literal["count"] = "count"
    value: float
    tolerance: float


class ClosedForm(_Record):
    """A measurement beside what theory says it is; ``tolerance`` is relative to that."""

    kind: Literal["closed-form"] = "closed-form"
    value: float
    expected: float
    tolerance: float

    @property
    def low(self) -> float:
        """The least that agrees with theory."""
        return self.expected - self.tolerance * abs(self.expected)

    @property
    def high(self) -> float:
        """The most that agrees with theory."""
        return self.expected + self.tolerance * abs(self.expected)

    @property
    def is_met(self) -> bool:
        """Whether the two agree."""
        return self.low <= self.value <= self.high


class Absent(_Record):
    """A test without a figure: it failed, or it was skipped or disabled."""

    kind: Literal["failed", "disabled"]
    reason: str


Figure = Timed | Seeds | Count | ClosedForm
Record = Annotated[Figure | Absent, Field(discriminator="kind")]
_RECORDS: TypeAdapter[list[Record]] = TypeAdapter(list[Record])


def write(path: Path, records: list[Record]) -> None:
    """Write what a process measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_RECORDS.dump_json(records, indent=1))


def read(path: Path) -> list[Record]:
    """Read what a process measured."""
    return _RECORDS.validate_json(path.read_bytes())
