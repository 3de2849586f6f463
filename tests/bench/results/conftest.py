"""A small sweep and records of its runs, for every test of what stays on disk."""

from collections.abc import Callable

import pytest

from bench.plan import RunConfig, SweepSpec, expand
from bench.results import Curves, RunRecord


@pytest.fixture
def spec() -> SweepSpec:
    axes = {"latent_dim": [2, 4], "kl_weight": [0.1, 1.0], "device": ["cpu", "cuda"]}
    return SweepSpec.model_validate({"name": "small", "sweep": {**axes, "seed": [0, 1]}})


@pytest.fixture
def runs(spec: SweepSpec) -> list[RunConfig]:
    return expand(spec, "data-hash")


@pytest.fixture
def finished() -> Callable[..., RunRecord]:
    """Make the record of a run that is ok."""

    def record(run: RunConfig, **values: float | str | None) -> RunRecord:
        rates = None if run.objective == "ae" else (0.5, 0.25)
        curves = Curves((3.0, 2.0), (2.5, 1.75), rates)
        return RunRecord(config=run, status="ok", values=values, curves=curves)

    return record
