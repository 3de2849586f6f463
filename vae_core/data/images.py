"""A folder of image files; subfolders, where there are any, are classes.

Regular files only, no deeper than one class folder: no link is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from vae_core.data.dataset import DataError, Dataset, chosen_rows
from vae_core.data.image_files import EncodedImage, common_format, decode
from vae_core.data.request import Request
from vae_core.data.split import fixed_split

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
TRAIN, TEST = "train", "test"
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Listed:
    """Image files in order of their names, and the class of each; None without class folders."""

    images: list[EncodedImage]
    classes: list[str] | None


def load(request: Request) -> Dataset:
    """Images of a folder, uint8 ``[N, C, H, W]``: grey where all are, else RGB.

    ``root/*.png`` have no labels, ``root/CLASS/*.png`` do. A fixed fifth, stratified, is the test
    part, unless the folder holds ``train`` and ``test`` and nothing else.

    Raises
    ------
    DataError
        When the folder is missing or holds no images, one is damaged, too large or a link, sizes
        differ without ``image_size``, or there are fewer than asked for.
    """
    root = request.required_root("images", "folder that holds the image files")
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; images needs one that holds image files")
    is_split = {folder.name for folder in _folders(root)} == {TRAIN, TEST}
    if is_split and not _image_files(root):
        train, test = _listed(root / TRAIN), _listed(root / TEST)
        if (train.classes is None) != (test.classes is None):
            raise DataError(f"{root}: class folders are needed in both train and test, or in none")
        names = sorted({*(train.classes or ()), *(test.classes or ())})
        return assemble(
            "images",
            train.images,
            _labels(train, names),
            test.images,
            _labels(test, names),
            request,
        )
    listed = _listed(root)
    labels = _labels(listed, sorted({*(listed.classes or ())}))
    return split_and_assemble("images", listed.images, labels, str(root), request)


def split_and_assemble(
    name: str, images: Sequence[EncodedImage], labels: Tensor | None, where: str, request: Request
) -> Dataset:
    """Cut encoded images into a training and a test part and read those that are asked for.

    Raises
    ------
    DataError
        As ``assemble``, or when there is only one image.
    """
    train, test = split_rows(len(images), labels, where)
    return assemble(
        name,
        [images[row] for row in train.tolist()],
        None if labels is None else labels[train],
        [images[row] for row in test.tolist()],
        None if labels is None else labels[test],
        request,
    )


def split_rows(count: int, labels: Tensor | None, where: str) -> tuple[Tensor, Tensor]:
    """Rows of the training part and of a fixed fifth for the test, stratified by ``labels``.

    Raises
    ------
    DataError
        When there are not two images.
    """
    if count < 2:
        raise DataError(
            f"{where}: holds {count} image; at least 2 are needed, one to train and one to test"
        )
    test_size = max(1, round(TEST_SHARE * count))
    train, test = fixed_split(count, test_size, None if labels is None else labels.numpy())
    return torch.from_numpy(train), torch.from_numpy(test)


def assemble(
    name: str,
    train: Sequence[EncodedImage],
    train_labels: Tensor | None,
    test: Sequence[EncodedImage],
    test_labels: Tensor | None,
    request: Request,
) -> Dataset:
    """Read the encoded images that are asked for, and no other.

    Raises
    ------
    DataError
        As ``common_format`` and ``decode``, or when there are fewer than asked for.
    """
    train_rows = chosen_rows(name, TRAIN, len(train), train_labels, request.train_size)
    test_rows = chosen_rows(name, TEST, len(test), test_labels, request.test_size)
    train = [train[row] for row in train_rows.tolist()]
    test = [test[row] for row in test_rows.tolist()]
    form = common_format([*train, *test], request.image_size)
    return Dataset(
        name=name,
        levels=255,
        train_images=decode(train, form),
        train_labels=None if train_labels is None else train_labels[train_rows],
        test_images=decode(test, form),
        test_labels=None if test_labels is None else test_labels[test_rows],
    )


def _labels(listed: Listed, names: list[str]) -> Tensor | None:
    """Place of each image's class among the sorted ``names``."""
    if listed.classes is None:
        return None
    number = {name: index for index, name in enumerate(names)}
    return torch.tensor([number[name] for name in listed.classes])


def _listed(folder: Path) -> Listed:
    direct = _image_files(folder)
    by_class = {sub.name: _image_files(sub) for sub in _folders(folder)}
    inner = [(file, name) for name, files in by_class.items() for file in files]
    if direct and inner:
        raise DataError(
            f"{folder}: holds images both directly and in {inner[0][0].parent.name}; one folder a "
            "class, or no class folders, is allowed"
        )
    if not direct and not inner:
        raise DataError(f"{folder}: holds no images ({', '.join(SUFFIXES)})")
    files = direct or [file for file, _ in inner]
    return Listed(
        images=[EncodedImage(str(file), partial(_open, file)) for file in files],
        classes=None if direct else [name for _, name in inner],
    )


def _open(file: Path) -> BinaryIO:
    return file.open("rb")


def _folders(folder: Path) -> list[Path]:
    """Subfolders in order of their names; hidden ones and links are none."""
    return [
        entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith(".") and not entry.is_symlink() and entry.is_dir()
    ]


def _image_files(folder: Path) -> list[Path]:
    """Image files directly below a folder, in order of their names."""
    files = [
        entry
        for entry in sorted(folder.iterdir())
        if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")
    ]
    for file in files:
        if file.is_symlink() or not file.is_file():
            raise DataError(f"{file}: not a regular file; links and devices are not read")
    return files
