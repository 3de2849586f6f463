"""Data sets by name: one table, one loader each, always the same split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vae_core.data import digits, idx
from vae_core.data.dataset import DataError, Dataset

__all__ = ["DATASETS", "DataError", "Dataset", "Source", "describe", "load_dataset"]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: its loader, one line on what it is, one on how to get it."""

    load: Callable[[Path | None], Dataset]
    description: str
    obtain: str


def _embedded(load: Callable[[], Dataset]) -> Callable[[Path | None], Dataset]:
    return lambda root: load()


def _from_root(name: str, load: Callable[[Path], Dataset]) -> Callable[[Path | None], Dataset]:
    def load_from(root: Path | None) -> Dataset:
        if root is None:
            raise DataError(f"data.root: not given; {name} needs the folder that holds its files")
        return load(root)

    return load_from


DATASETS: dict[str, Source] = {
    "digits": Source(
        load=_embedded(digits.load),
        description="1,797 handwritten digits, 8×8, 1,437 train and 360 test",
        obtain="comes with scikit-learn; nothing to do",
    ),
    "mnist": Source(
        load=_from_root("mnist", idx.load_mnist),
        description="70,000 handwritten digits, 28×28, 60,000 train and 10,000 test",
        obtain="put the four original IDX files (*-ubyte, packed as .gz or not) into data.root",
    ),
    "fashion-mnist": Source(
        load=_from_root("fashion-mnist", idx.load_fashion_mnist),
        description="70,000 garments, 28×28, 60,000 train and 10,000 test",
        obtain="put the four *-ubyte.gz files of the GitHub repository "
        "zalandoresearch/fashion-mnist (data/fashion) into data.root",
    ),
}


def load_dataset(
    name: str,
    *,
    root: Path | None = None,
    train_size: int | None = None,
    test_size: int | None = None,
) -> Dataset:
    """Load a data set of the table, on the CPU, whole or as a fixed stratified part.

    Raises
    ------
    DataError
        When the name is unknown, a file is missing or damaged, or the part asked for is larger than
        the whole.
    """
    if name not in DATASETS:
        raise DataError(f"data.name: {name!r} is unknown; one of {', '.join(DATASETS)} is allowed")
    return DATASETS[name].load(root).subset(train_size, test_size)


def describe() -> list[tuple[str, str, str]]:
    """Name, description and how to get it, for every data set."""
    return [(name, source.description, source.obtain) for name, source in DATASETS.items()]
