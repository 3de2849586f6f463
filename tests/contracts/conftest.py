"""Small data for the contracts that hold between parts, and names that can be imported."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vae_core import Dataset, load_dataset

torch.set_num_threads(1)

IMPORTABLE = Path(__file__).parents[1] / "importable"


@pytest.fixture(scope="module")
def importable() -> Iterator[None]:
    """Make the modules in ``tests/importable`` importable, here and in spawned processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(IMPORTABLE)
        yield


@pytest.fixture(scope="session")
def small() -> Dataset:
    """96 training and 32 test digits."""
    return load_dataset("digits", train_size=96, test_size=32)
