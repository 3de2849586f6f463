"""What this checkout is compared with, the baseline or another commit, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gates import baseline
from bench.gates.against import git, other_checkout
from bench.gates.baseline import Entry, entries_of
from bench.gates.errors import GateError
from bench.gates.judge import Row, Verdict, judge
from bench.gates.records import Absent, ClosedForm, Figure, Record, Timed
from bench.gates.session import Session

__all__ = ["Comparison", "with_baseline", "with_commit"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """One checkout, and what it is held against.

    Attributes
    ----------
    here
        The tests of the checkout.
    expected
        Entries of the baseline; not used with another commit.
    other
        The same tests on another commit; None for a comparison with the baseline.
    must_exist
        Names that the other commit's baseline has, and that this one may not lose.
    """

    here: Session
    expected: Mapping[str, Entry]
    other: Session | None = None
    must_exist: frozenset[str] = frozenset()

    def rows(self, processes: int, say: Say, nodes: Sequence[str] | None = None) -> list[Row]:
        """Measure all tests, or those of these ids, and judge them."""
        mine, theirs = self._measure(processes, say, nodes)
        if self.other is None:
            return judge(self.expected, mine)
        expected = entries_of(_figures(theirs))
        if not expected:
            reason = next((r.reason for r in theirs if isinstance(r, Absent)), "there are no tests")
            raise GateError(f"--against: nothing could be measured on the other commit: {reason}")
        rows = judge(expected, mine, unknown_is_new=True)
        if nodes is None:
            names = {row.name for row in rows}
            rows += [Row(name, Verdict.VANISHED) for name in sorted(self.must_exist - names)]
        return rows

    def entries(self, processes: int, say: Say) -> dict[str, Entry]:
        """Measure all tests of this checkout, for a new baseline."""
        mine, _ = self._measure(processes, say, None)
        for record in mine:
            if isinstance(record, Absent) and record.kind == "failed":
                raise GateError(f"{record.name}: failed: {record.reason}")
            if isinstance(record, Absent):
                say(f"left out: {record.name} ({record.reason})")
            if isinstance(record, ClosedForm) and not record.is_met:
                raise GateError(
                    f"{record.name}: is {record.value:.6g} and not {record.expected:.6g}, as its "
                    "closed form says; a baseline cannot accept that"
                )
        return entries_of(_figures(mine))

    def _measure(
        self, processes: int, say: Say, nodes: Sequence[str] | None
    ) -> tuple[list[Record], list[Record]]:
        """Run process after process, both sides in turn, who is first changing each time.

        Only times differ from process to process, so the others are measured by the first alone.
        """
        mine: list[Record] = []
        theirs: list[Record] = []
        wanted: dict[int, Sequence[str] | None] = {id(mine): nodes, id(theirs): nodes}
        for process in range(processes):
            sides = [(self.here, mine)] + ([(self.other, theirs)] if self.other else [])
            for session, records in sides if process % 2 == 0 else sides[::-1]:
                if wanted[id(records)] == []:
                    continue
                found = session.measure(wanted[id(records)])
                records += found
                wanted[id(records)] = [r.node for r in found if isinstance(r, Timed)]
            say(f"measured: process {process + 1} of {processes}")
            if not any(wanted.values()):
                break
        return mine, theirs


def with_baseline(here: Session, expected: Mapping[str, Entry]) -> Comparison:
    """Compare with a baseline, as far as its figures are asked for."""
    return Comparison(here, {name: expected[name] for name in expected if here.asks_for(name)})


@contextmanager
def with_commit(
    here: Session, ref: str, *, baseline_path: Path, folder: Path
) -> Iterator[Comparison]:
    """Compare with another commit of the same repository."""
    root = here.checkout.root
    with other_checkout(root, ref, here.tests) as there:
        text = git(root, "show", f"{ref}:./{baseline_path}")
        known = baseline.common_names(baseline_path, text) if text else set()
        must_exist = frozenset(name for name in known if here.asks_for(name))
        other = Session(there, here.tests, folder, here.only)
        yield Comparison(here, {}, other, must_exist)


def _figures(records: Sequence[Record]) -> list[Figure]:
    return [record for record in records if not isinstance(record, Absent)]
