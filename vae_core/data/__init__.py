"""Data sets by name: one table, one loader each, always the same split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vae_core.data import digits, hub, idx, images, linear_gaussian, npz, patches, sprites
from vae_core.data.dataset import DataError, Dataset, Factors
from vae_core.data.request import Request

__all__ = ["DATASETS", "DataError", "Dataset", "Factors", "Source", "describe", "load_dataset"]


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: its loader, one line on what it is, one on how to get it.

    ``resizes`` tells whether the loader knows what to do with an ``image_size``.
    """

    load: Callable[[Request], Dataset]
    description: str
    obtain: str
    resizes: bool = False


def _embedded(load: Callable[[], Dataset]) -> Callable[[Request], Dataset]:
    return lambda request: load()


def _from_root(name: str, load: Callable[[Path], Dataset]) -> Callable[[Request], Dataset]:
    return lambda request: load(request.required_root(name, "folder that holds its files"))


DATASETS: dict[str, Source] = {
    "digits": Source(
        load=_embedded(digits.load),
        description="1,797 handwritten digits, 8×8, 1,437 train and 360 test",
        obtain="comes with scikit-learn; nothing to do",
    ),
    "sprites": Source(
        load=sprites.load,
        description="dSprites-style shapes, 64×64, five known factors, any size up to 737,280",
        obtain="drawn when asked for; nothing to do",
    ),
    "patches": Source(
        load=_embedded(patches.load),
        description="8,112 colour patches of two photographs, 16×16, no labels",
        obtain="comes with scikit-learn; nothing to do",
    ),
    "linear-gaussian": Source(
        load=linear_gaussian.load,
        description="x = Wz + b + σε, 8×8, known exactly, no labels, any size",
        obtain="drawn when asked for; nothing to do",
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
    "images": Source(
        load=images.load,
        description="your image files, grey or RGB",
        obtain="put them into data.root, data.root/CLASS, or data.root/train and data.root/test; "
        "data.image_size brings them to one size",
        resizes=True,
    ),
    "npz": Source(
        load=npz.load,
        description="your arrays",
        obtain="numpy.savez(data.root, train_images=…, test_images=…) or images=…; labels likewise",
    ),
    "hf": Source(
        load=hub.load,
        description="an image data set of the Hugging Face package datasets",
        obtain="pip install 'vaebench[hf]'; data.root is its folder, or its name on the hub",
        resizes=True,
    ),
}


def load_dataset(
    name: str,
    *,
    root: Path | None = None,
    image_size: int | None = None,
    train_size: int | None = None,
    test_size: int | None = None,
) -> Dataset:
    """Load a data set of the table, on the CPU, whole or as a fixed stratified part.

    Parameters
    ----------
    root
        Where a file-based data set lies.
    image_size
        Side of the square that image files are cropped and resized to.
    train_size, test_size
        How many images; data sets that are drawn have as many as are asked for.

    Raises
    ------
    DataError
        When the name is unknown, a file is missing or damaged, the part asked for is larger than
        the whole, or the images have one size only.
    """
    if name not in DATASETS:
        raise DataError(f"data.name: {name!r} is unknown; one of {', '.join(DATASETS)} is allowed")
    source = DATASETS[name]
    if image_size is not None and not source.resizes:
        resizing = ", ".join(other for other, entry in DATASETS.items() if entry.resizes)
        raise DataError(
            f"data.image_size: {image_size} is not allowed for {name}; only for {resizing} is it"
        )
    request = Request(root, image_size, train_size, test_size)
    return source.load(request).subset(train_size, test_size)


def describe() -> list[tuple[str, str, str]]:
    """Name, description and how to get it, for every data set."""
    return [(name, source.description, source.obtain) for name, source in DATASETS.items()]
