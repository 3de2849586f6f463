"""Small data and a way to name networks of the tests' own, for everything in ``vae_core``."""

from pathlib import Path

import pytest
import torch

from vae_core import Dataset, load_dataset

torch.set_num_threads(1)

IMPORTABLE = Path(__file__).parents[1] / "importable"


@pytest.fixture
def importable(monkeypatch) -> None:
    """Make ``own_networks`` importable by name, as a user's package would be."""
    monkeypatch.syspath_prepend(IMPORTABLE)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def small(digits) -> Dataset:
    """96 training and 32 test digits."""
    return digits.subset(96, 32)
