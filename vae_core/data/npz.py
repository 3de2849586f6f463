"""Images and labels from a NumPy archive.

Nothing is unpickled, and the header of every array is checked before its values are read.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from vae_core.data.dataset import DataError, Dataset
from vae_core.data.images import split_rows
from vae_core.data.request import Request

MAX_BYTES = 4 * 2**30
"""Of one array."""

CHANNELS = (1, 3)
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
UNREADABLE = 0x1 | 0x20 | 0x40
"""Flags of a zip member that is encrypted or a patch."""


def load(request: Request) -> Dataset:
    """Arrays ``train_images``, ``test_images`` and their ``…_labels``, or ``images`` and
    ``labels``.

    Images are ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with C = 1 or 3 (channels last
    where both fit). Values are bool, floats in [0, 1], or uint8, where 255 means 1.0 unless no
    value exceeds 1. Labels are integers ``[N]`` or ``[N, 1]``, and may be absent. Without a test
    part a fixed fifth, stratified, is it.

    Raises
    ------
    DataError
        When the file is missing, damaged or not an archive, an array is missing, too large, or of
        another type or shape, or a value is not finite.
    """
    path = _archive_path(request.required_root("npz", "path of a .npz file, or of its folder"))
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {
                name: _read(archive, name, path)
                for name in _wanted(archive, path)
                if f"{name}.npy" in archive.namelist()
            }
    except DataError:
        raise
    # What the zip reader raises on damaged files.
    except (OSError, EOFError, ValueError, struct.error, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as a .npz file: {error}") from error
    return _dataset(arrays, path)


def _archive_path(root: Path) -> Path:
    if not root.is_dir():
        if not root.is_file():
            raise DataError(f"{root}: no such file; npz needs a .npz file or its folder")
        return root
    found = sorted(root.glob("*.npz"))
    if len(found) != 1 or found[0].is_symlink() or not found[0].is_file():
        raise DataError(
            f"{root}: holds {len(found)} .npz files; one regular file is needed, or its own path"
        )
    return found[0]


def _wanted(archive: zipfile.ZipFile, path: Path) -> tuple[str, ...]:
    """Names of the arrays that belong to the split, or to the whole where there is none."""
    names = {name.removesuffix(".npy") for name in archive.namelist()}
    if "train_images" in names:
        return ("train_images", "train_labels", "test_images", "test_labels")
    if "images" in names:
        return ("images", "labels")
    found = ", ".join(sorted(names)[:8]) or "nothing"
    raise DataError(f"{path}: has neither train_images nor images; found {found}")


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[np.generic]:
    info = archive.getinfo(f"{name}.npy")
    where = f"{path}: {name}"
    if info.flag_bits & UNREADABLE or info.compress_type not in COMPRESSIONS:
        raise DataError(f"{where}: is encrypted or packed in a way that numpy.savez never does")
    with archive.open(info) as file:
        shape, dtype = _header(file, where)
        header_bytes = file.tell()
    if dtype.hasobject:
        raise DataError(f"{where}: holds Python objects, which are never unpickled")
    size = dtype.itemsize * math.prod(shape)
    if min(shape, default=0) < 0:
        raise DataError(f"{where}: the header promises the shape {shape}")
    if size > MAX_BYTES:
        raise DataError(f"{where}: needs {size} bytes; at most {MAX_BYTES} are allowed")
    if info.file_size != header_bytes + size:
        raise DataError(
            f"{where}: the header promises {size} bytes, the archive holds "
            f"{info.file_size - header_bytes}"
        )
    with archive.open(info) as file:
        array: NDArray[np.generic] = npy.read_array(file, allow_pickle=False)
    return array


def _header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    try:
        version = npy.read_magic(file)
        read = HEADER_READERS[version]
        shape, _, dtype = read(file)
    except KeyError as error:
        raise DataError(f"{where}: .npy version {error} is not allowed; 1.0 or 2.0 is") from error
    # A header is a Python literal, and NumPy's parser passes on what Python says of others.
    except (ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{where}: not a readable .npy array: {reason}") from error
    return shape, dtype


def _dataset(arrays: dict[str, NDArray[np.generic]], path: Path) -> Dataset:
    images = {name: _images(arrays[name], f"{path}: {name}") for name in arrays if "image" in name}
    labels = {
        name: _labels(arrays[name], len(images[of]), f"{path}: {name}")
        for of in images
        if (name := of.replace("images", "labels")) in arrays
    }
    if "test_labels" in arrays and "test_images" not in arrays:
        raise DataError(f"{path}: has test_labels and no test_images")
    dtypes = {str(part.dtype).removeprefix("torch.") for part in images.values()}
    shapes = {tuple(part.shape[1:]) for part in images.values()}
    if len(dtypes) > 1 or len(shapes) > 1:
        raise DataError(
            f"{path}: train_images and test_images differ: {sorted(dtypes)}, {sorted(shapes)} "
            "(C, H, W)"
        )
    if ("train_labels" in labels) != ("test_labels" in labels) and "test_images" in images:
        raise DataError(f"{path}: labels are needed for both parts, or for none")
    whole = "images" if "images" in images else "train_images"
    train, train_labels = images[whole], labels.get(whole.replace("images", "labels"))
    if "test_images" in images:
        test, test_labels = images["test_images"], labels.get("test_labels")
    else:
        rows, test_rows = split_rows(len(train), train_labels, str(path))
        test, test_labels = train[test_rows], _rows(train_labels, test_rows)
        train, train_labels = train[rows], _rows(train_labels, rows)
    return Dataset(
        name="npz",
        levels=_levels(train, test),
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
    )


def _rows(labels: Tensor | None, rows: Tensor) -> Tensor | None:
    return None if labels is None else labels[rows]


def _levels(train: Tensor, test: Tensor) -> int:
    """The integer that means 1.0; binary images come as 0 and 1 as often as 0 and 255."""
    if train.is_floating_point():
        return 1
    return 1 if max(int(train.max()), int(test.max())) <= 1 else 255


def _images(array: NDArray[np.generic], where: str) -> Tensor:
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[3] in CHANNELS:
        array = np.moveaxis(array, 3, 1)
    elif array.ndim != 4 or array.shape[1] not in CHANNELS:
        raise DataError(
            f"{where}: has shape {array.shape}; [N, H, W], [N, H, W, C] or [N, C, H, W] with C of "
            "1 or 3 is needed"
        )
    if array.size == 0:
        raise DataError(f"{where}: has shape {array.shape}: there are no images")
    if array.dtype == np.bool_ or array.dtype == np.uint8:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.uint8))
    if array.dtype.kind != "f":
        raise DataError(f"{where}: has dtype {array.dtype}; bool, uint8 or floats are allowed")
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise DataError(f"{where}: holds NaN or infinite values")
    if low < 0 or high > 1:
        raise DataError(f"{where}: holds values from {low:g} to {high:g}; 0 to 1 is allowed")
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _labels(array: NDArray[np.generic], count: int, where: str) -> Tensor:
    if array.dtype.kind not in "iu":
        raise DataError(f"{where}: has dtype {array.dtype}; integers are needed")
    if array.shape not in {(count,), (count, 1)}:
        raise DataError(f"{where}: has shape {array.shape}; [{count}], one an image, is needed")
    return torch.from_numpy(np.ascontiguousarray(array.reshape(count), dtype=np.int64))
