"""How a sweep directory stands, read without disturbing a sweep that runs in it."""

from dataclasses import dataclass
from pathlib import Path

from bench.plan.errors import SpecError
from bench.plan.loading import load_spec
from bench.results.directory import REPORT, SPEC, STORE, holder
from bench.results.errors import SweepDirectoryError
from bench.results.store import Store

__all__ = ["SweepStatus", "read_status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStatus:
    """Runs by device and status ("missing" among them), why runs are not ok, who is at work."""

    name: str
    counts: dict[str, dict[str, int]]
    failures: dict[str, int]
    skips: dict[str, int]
    holder: str | None
    report: Path | None

    def total(self, status: str) -> int:
        """Number of runs with a status over all devices."""
        return sum(by_status[status] for by_status in self.counts.values())


def read_status(path: Path) -> SweepStatus:
    """Read how a sweep directory stands.

    Raises
    ------
    SweepDirectoryError
        If ``path`` is no sweep directory.
    StoreError
        If its store cannot be read.
    """
    if not (path / SPEC).is_file():
        raise SweepDirectoryError(
            f"{path}: is no sweep directory (it has no {SPEC}); python -m bench run makes one"
        )
    try:
        spec = load_spec(path / SPEC)
    except SpecError as error:
        raise SweepDirectoryError(str(error)) from None
    stored: dict[str, dict[str, int]] = {}
    failures: dict[str, int] = {}
    skips: dict[str, int] = {}
    if (path / STORE).exists():
        with Store(path / STORE, read_only=True) as store:
            stored = store.counts()
            failures, skips = store.reasons("failed"), store.reasons("skipped")
    planned = spec.run_count // len(spec.sweep.device)
    report = path / REPORT
    return SweepStatus(
        name=spec.name,
        counts={device: _complete(stored.get(device, {}), planned) for device in spec.sweep.device},
        failures=failures,
        skips=skips,
        holder=holder(path),
        report=report if report.exists() else None,
    )


def _complete(counts: dict[str, int], planned: int) -> dict[str, int]:
    known = {status: counts.get(status, 0) for status in ("ok", "failed", "skipped")}
    return {**known, "missing": max(0, planned - sum(known.values()))}
