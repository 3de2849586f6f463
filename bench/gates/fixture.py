"""What a test may ask of the fixture ``vae_gate``, once for measuring and once for trying out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from bench.gates.interleaved import Call, cuda_clock, time_in_turn
from bench.gates.records import Absent, ClosedForm, Count, Record, Seeds, Timed

if TYPE_CHECKING:
    import pandas as pd
    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.plan import SweepSpec

__all__ = ["Measuring", "Trying", "VaeGate"]

DEFAULT_TOLERANCE = 1.25


class VaeGate(ABC):
    """One test's door to the gate.

    Parameters
    ----------
    name, node
        What the table calls the test, and its id in pytest.
    folder
        Where sweeps go.
    """

    measures: ClassVar[bool]
    """Whether this is a measurement; otherwise everything may be as short as it can."""

    def __init__(self, name: str, node: str, folder: Path) -> None:
        self._name = name
        self._node = node
        self._folder = folder

    @abstractmethod
    def time(
        self,
        subject: Call,
        *,
        beside: Call,
        tolerance: float = DEFAULT_TOLERANCE,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        """Gate the time of ``subject`` over that of ``beside``; once a test.

        Parameters
        ----------
        subject
            A call without arguments. What it needs is made before.
        beside
            A call of other code that does work of the same kind (the same matrix products in plain
            PyTorch, say) and will not change with the subject.
        tolerance
            Growth of the ratio that is accepted.
        device
            ``cpu``: processor time of this process. ``cuda``: CUDA events on the current stream.
        """

    @abstractmethod
    def seeds(
        self, values: Mapping[str, Sequence[float]], *, resolution: float | Mapping[str, float] = 0
    ) -> None:
        """Gate means over seeds: each must stay in its 95 % interval of the baseline.

        Parameters
        ----------
        values
            By name, one value a seed. The seeds must be the same each time: then an unchanged
            program gives the same values, and the interval is room for rounding on other machines.
        resolution
            Least half-width of the intervals, one for all or by name.
        """

    @abstractmethod
    def count(self, what: str, value: float, *, tolerance: float = 1.0) -> None:
        """Gate a number that is the same each time: operations, bytes, reads by the host."""

    @abstractmethod
    def closed_form(self, what: str, measured: float, expected: float, *, tolerance: float) -> None:
        """Gate the relative distance of a measurement from theory, whatever the baseline was."""

    def sweep(self, spec: SweepSpec) -> pd.DataFrame:
        """Run a small sweep over several seeds and gate its quality, objective by objective.

        Returns one row a run. Test MSE, rate, ELBO, probe accuracies and the coverage of prior
        samples are gated as by ``seeds``. The sweep's directory lies beside what was measured.

        Raises
        ------
        GateError
            When a run did not end well, or there are fewer than two seeds.
        """
        from bench.gates.sweep import qualities

        runs = self._run(spec)
        for label, values, resolution in qualities(runs):
            self.seeds({f"{label} {k}": v for k, v in values.items()}, resolution=resolution)
        return runs

    @abstractmethod
    def _run(self, spec: SweepSpec) -> pd.DataFrame: ...


class Trying(VaeGate):
    """Runs everything once, briefly, and judges nothing: an ordinary test session."""

    measures = False

    def time(
        self,
        subject: Call,
        *,
        beside: Call,
        tolerance: float = DEFAULT_TOLERANCE,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        beside()
        subject()

    def seeds(
        self, values: Mapping[str, Sequence[float]], *, resolution: float | Mapping[str, float] = 0
    ) -> None:
        pass

    def count(self, what: str, value: float, *, tolerance: float = 1.0) -> None:
        pass

    def closed_form(self, what: str, measured: float, expected: float, *, tolerance: float) -> None:
        pass

    def _run(self, spec: SweepSpec) -> pd.DataFrame:
        from bench.gates.sweep import run_small_sweep

        brief = spec.training.model_copy(update={"epochs": 1})
        return run_small_sweep(spec.model_copy(update={"training": brief}), self._folder)


class Measuring(VaeGate):
    """Measures, and adds what it found to ``records``."""

    measures = True

    def __init__(
        self,
        name: str,
        node: str,
        folder: Path,
        *,
        records: list[Record],
        benchmark: Callable[[], BenchmarkFixture],
    ) -> None:
        super().__init__(name, node, folder)
        self._records = records
        self._benchmark = benchmark

    def time(
        self,
        subject: Call,
        *,
        beside: Call,
        tolerance: float = DEFAULT_TOLERANCE,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        benchmark = self._benchmark()
        if benchmark.disabled:
            reason = "pytest-benchmark is disabled (--benchmark-disable, or pytest-xdist)"
            self._add(Absent(name=self._name, node=self._node, kind="disabled", reason=reason))
            return
        clock = time.process_time
        if device == "cuda":
            clock = cuda_clock()
            benchmark._timer = clock
        seconds, beside_seconds = time_in_turn(benchmark, subject, beside, clock)
        self._add(
            Timed(
                name=self._name,
                node=self._node,
                seconds=seconds,
                beside_seconds=beside_seconds,
                tolerance=tolerance,
            )
        )

    def seeds(
        self, values: Mapping[str, Sequence[float]], *, resolution: float | Mapping[str, float] = 0
    ) -> None:
        for what, of_seeds in values.items():
            least = resolution[what] if isinstance(resolution, Mapping) else resolution
            name = f"{self._name} {what}"
            self._add(Seeds(name=name, node=self._node, values=tuple(of_seeds), resolution=least))

    def count(self, what: str, value: float, *, tolerance: float = 1.0) -> None:
        name = f"{self._name} {what}"
        self._add(Count(name=name, node=self._node, value=value, tolerance=tolerance))

    def closed_form(self, what: str, measured: float, expected: float, *, tolerance: float) -> None:
        self._add(
            ClosedForm(
                name=f"{self._name} {what}",
                node=self._node,
                value=measured,
                expected=expected,
                tolerance=tolerance,
            )
        )

    def _run(self, spec: SweepSpec) -> pd.DataFrame:
        from bench.gates.sweep import run_small_sweep

        return run_small_sweep(spec, self._folder)

    def _add(self, record: Record) -> None:
        if any(other.name == record.name for other in self._records):
            raise ValueError(f"{record.name}: is measured twice; each figure needs its own name")
        self._records.append(record)
