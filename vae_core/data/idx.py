"""MNIST and Fashion-MNIST from their original IDX files, each checked against its published MD5
sum.

The sums name the files; they are no protection against an attacker.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data.dataset import DataError, Dataset

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

# MNIST's sums are of the uncompressed files, which are the same however they were packed again;
# Fashion-MNIST publishes sums of its .gz files only.
MNIST_MD5 = {
    TRAIN_IMAGES: "6bbc9ace898e44ae57da46a324031adb",
    TRAIN_LABELS: "a25bea736e30d166cdddb491f175f624",
    TEST_IMAGES: "2646ac647ad5339dbf082846283269ea",
    TEST_LABELS: "27ae3e4e09519cfbb04c329615203637",
}
FASHION_MNIST_GZIP_MD5 = {
    TRAIN_IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    TRAIN_LABELS: "25c81989df183df01b3e8a0aad5dffbe",
    TEST_IMAGES: "bef4ecab320f06d8554ea6380940ec79",
    TEST_LABELS: "bb300cfdad3c16e7a12a480ee83cd310",
}

# The largest file of either set holds 47,040,016 bytes; more than that unpacked is not one of them.
LARGEST_FILE = 48_000_000


def load_mnist(root: Path) -> Dataset:
    """60,000 training and 10,000 test digits, ``[N, 1, 28, 28]`` (LeCun, Cortes & Burges).

    Raises
    ------
    DataError
        When a file is missing, does not have the published content, or is not an IDX file.
    """
    return _load("mnist", root, {name: _checked_content(root, name) for name in MNIST_MD5})


def load_fashion_mnist(root: Path) -> Dataset:
    """60,000 training and 10,000 test garments, ``[N, 1, 28, 28]`` (Xiao, Rasul & Vollgraf 2017).

    Raises
    ------
    DataError
        When a .gz file is missing, is not the published one, or is not an IDX file.
    """
    files = {name: _checked_gzip(root, name) for name in FASHION_MNIST_GZIP_MD5}
    return _load("fashion-mnist", root, files)


def _load(name: str, root: Path, files: dict[str, bytes]) -> Dataset:
    arrays = {file: read_idx(content, root / file) for file, content in files.items()}
    tensors = {file: torch.from_numpy(array.copy()) for file, array in arrays.items()}
    return Dataset(
        name=name,
        levels=255,
        train_images=tensors[TRAIN_IMAGES].unsqueeze(1),
        train_labels=tensors[TRAIN_LABELS].long(),
        test_images=tensors[TEST_IMAGES].unsqueeze(1),
        test_labels=tensors[TEST_LABELS].long(),
    )


def read_idx(content: bytes, source: Path) -> NDArray[np.uint8]:
    """Array of an IDX file of unsigned bytes: magic number, big-endian sizes, then the values.

    Raises
    ------
    DataError
        When the header is not that of an unsigned-byte IDX file or the length does not fit it.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{source}: not an IDX file of unsigned bytes (magic number 00 00 08)")
    axes = content[3]
    header = 4 + 4 * axes
    if len(content) < header:
        raise DataError(f"{source}: the IDX header is cut short after {len(content)} bytes")
    shape = struct.unpack(f">{axes}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise DataError(
            f"{source}: the IDX header promises {math.prod(shape)} bytes, "
            f"the file holds {len(content) - header}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _checked_content(root: Path, name: str) -> bytes:
    packed, plain = root / f"{name}.gz", root / name
    if packed.is_file():
        source, content = packed, _unpack(packed, _read(packed))
    elif plain.is_file():
        source, content = plain, _read(plain)
    else:
        raise DataError(_missing(root, name, "as .gz or unpacked"))
    _check(source, content, MNIST_MD5[name], "of the unpacked content")
    return content


def _checked_gzip(root: Path, name: str) -> bytes:
    packed = root / f"{name}.gz"
    if not packed.is_file():
        raise DataError(_missing(root, f"{name}.gz", "packed as published"))
    raw = _read(packed)
    _check(packed, raw, FASHION_MNIST_GZIP_MD5[name], "of the .gz file")
    return _unpack(packed, raw)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _unpack(path: Path, raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = unpacker.decompress(raw, LARGEST_FILE)
    except zlib.error as error:
        raise DataError(f"{path}: not a readable gzip file: {error}") from error
    if not unpacker.eof:
        raise DataError(
            f"{path}: the gzip file is cut short or unpacks to more than {LARGEST_FILE} bytes"
        )
    return content


def _check(source: Path, content: bytes, expected: str, what: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise DataError(
            f"{source}: the file is damaged or another one: "
            f"MD5 {what} is {found}, published is {expected}"
        )


def _missing(root: Path, name: str, form: str) -> str:
    return (
        f"{root / name}: no such file; data.root must hold the four original IDX files ({form}); "
        "`python -m bench datasets` says where they come from"
    )
