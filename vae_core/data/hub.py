"""Images of the Hugging Face ``datasets`` package, which is imported only when one is asked for.

No loading script is ever run, and no file is opened that an image merely names.
"""

from __future__ import annotations

import importlib
import io
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_core.data.dataset import DataError, Dataset
from vae_core.data.image_files import EncodedImage
from vae_core.data.images import assemble, split_and_assemble
from vae_core.data.request import Request

TRAIN = "train"
TESTS = ("test", "validation")
"""The first of these splits that is there is the test part."""

SAVED = ("dataset_dict.json", "dataset_info.json")
"""What a folder written by ``save_to_disk`` holds one of."""


def load(request: Request) -> Dataset:
    """Images of a folder that ``datasets`` wrote or can read, or of a name on its hub.

    The first image column and, where there is one, the first ``ClassLabel`` column of ``train``
    and of ``test`` (or ``validation``); without either of these a fixed fifth, stratified, is the
    test part.

    Raises
    ------
    DataError
        When the package is not installed, the data set cannot be loaded, has no ``train`` split or
        no image column, or lacks some of its labels; otherwise as ``vae_core.data.images``.
    """
    root = request.required_root("hf", "folder of a data set, or its name on the Hugging Face hub")
    package = _package()
    splits = _splits(package, root)
    if TRAIN not in splits:
        raise DataError(f"{root}: has no train split; found {', '.join(splits)}")
    image, label = _columns(package, splits[TRAIN], root)
    train, train_labels = _read(package, splits[TRAIN], image, label, f"{root}: train")
    for name in TESTS:
        if name in splits:
            test, test_labels = _read(package, splits[name], image, label, f"{root}: {name}")
            return assemble("hf", train, train_labels, test, test_labels, request)
    return split_and_assemble("hf", train, train_labels, str(root), request)


def _package() -> Any:
    try:
        return importlib.import_module("datasets")
    except ImportError as error:
        raise DataError(
            "data.name: hf needs the package datasets, which is not installed; "
            "pip install 'vaebench[hf]' brings it"
        ) from error


def _splits(package: Any, root: Path) -> dict[str, Any]:
    try:
        if any((root / name).is_file() for name in SAVED):
            loaded = package.load_from_disk(str(root))
        else:
            loaded = package.load_dataset(str(root))
    except Exception as error:  # the package, its readers and the network fail in many ways
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DataError(f"{root}: cannot be loaded by the package datasets: {reason}") from error
    return dict(loaded) if isinstance(loaded, dict) else {TRAIN: loaded}


def _columns(package: Any, split: Any, root: Path) -> tuple[str, str | None]:
    """Names of the image column and of the label column, None where there is none."""
    images = [name for name, kind in split.features.items() if isinstance(kind, package.Image)]
    labels = [name for name, kind in split.features.items() if isinstance(kind, package.ClassLabel)]
    if not images:
        raise DataError(f"{root}: has no image column; found {', '.join(split.features)}")
    return images[0], labels[0] if labels else None


def _read(
    package: Any, split: Any, image: str, label: str | None, where: str
) -> tuple[list[EncodedImage], Tensor | None]:
    missing = [name for name in (image, label) if name is not None and name not in split.features]
    if missing:
        raise DataError(f"{where}: has no column {missing[0]}, which train has")
    encoded = split.cast_column(image, package.Image(decode=False))[image]
    images = [_encoded(value, f"{where}[{row}]") for row, value in enumerate(encoded)]
    return images, None if label is None else _labels(list(split[label]), where)


def _labels(values: list[int | None], where: str) -> Tensor:
    """Numbers of classes; ``datasets`` writes −1 or None where a label is withheld."""
    for row, value in enumerate(values):
        if value is None or value < 0:
            raise DataError(f"{where}[{row}]: has no label; all images need one, or none")
    return torch.tensor(values, dtype=torch.int64)


def _encoded(value: dict[str, Any] | None, source: str) -> EncodedImage:
    content = None if value is None else value["bytes"]
    if content is None:
        raise DataError(
            f"{source}: the image is not embedded; save the data set with save_to_disk, or name "
            "its folder as data.root of images"
        )
    return EncodedImage(source, partial(io.BytesIO, content))
