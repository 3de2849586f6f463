"""Cohorts that need no data, and work on them that other processes can import."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.plan import Cohort, SweepSpec, expand, group

IMPORTABLE = Path(__file__).parents[2] / "importable"


@pytest.fixture(autouse=True)
def importable() -> Iterator[None]:
    """Make ``cohort_functions`` importable, here and in spawned processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(IMPORTABLE)
        yield


@pytest.fixture
def cohorts_of():
    """Make one cohort of AE and VAEs for each latent dimension."""

    def cohorts_of(*latent_dims: int) -> list[Cohort]:
        sweep = {"latent_dim": latent_dims, "kl_weight": [0.1, 1.0]}
        spec = SweepSpec.model_validate({"name": "s", "sweep": sweep})
        return group(expand(spec, "hash"))

    return cohorts_of
