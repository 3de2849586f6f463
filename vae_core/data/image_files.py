"""Decode image files that nobody vouches for into one array of bytes.

Formats, pixels and total size are checked in the headers before anything is decoded. Knows nothing
of folders, labels or splits.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from vae_core.data.dataset import DataError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA")

MAX_PIXELS = 50_000_000
"""Of one image, as its header says: decoded, it takes three times as many bytes."""

MAX_BYTES = 4 * 2**30
"""Of all images together, after resizing."""


@dataclass(frozen=True)
class EncodedImage:
    """An image file: how to name it in an error, and how to open it."""

    source: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class ImageFormat:
    """What all images of a data set are brought to: ``size`` is (W, H); ``mode`` "L" or "RGB"."""

    size: tuple[int, int]
    mode: str
    resizes: bool


def common_format(images: Sequence[EncodedImage], image_size: int | None) -> ImageFormat:
    """Agree on one size and mode from the headers: grey where all are, else RGB.

    Parameters
    ----------
    images
        At least one.
    image_size
        Side of the square that all are cropped and resized to; None: they must be of one size.

    Raises
    ------
    DataError
        When an image cannot be read, is too large or of a mode with more than 8 bits a channel, or
        sizes differ, or the images are too many to hold in memory.
    """
    headers = [_header(image) for image in images]
    size = headers[0][0] if image_size is None else (image_size, image_size)
    for image, (found, _) in zip(images, headers, strict=True):
        if image_size is None and found != size:
            raise DataError(
                f"{image.source}: is {_times(found)} pixels and {images[0].source} is "
                f"{_times(size)}; give data.image_size to bring all to one size"
            )
    mode = "L" if all(mode in GREY_MODES for _, mode in headers) else "RGB"
    needed = len(images) * size[0] * size[1] * len(mode)
    if needed > MAX_BYTES:
        raise DataError(
            f"data: {len(images)} images of {_times(size)} pixels need {needed} bytes and "
            f"{MAX_BYTES} are allowed; give a smaller data.image_size or data.train_size"
        )
    return ImageFormat(size, mode, resizes=image_size is not None)


def decode(images: Sequence[EncodedImage], form: ImageFormat) -> Tensor:
    """Pixels of all images, uint8 ``[N, C, H, W]``; an alpha channel is dropped.

    Raises
    ------
    DataError
        When an image is corrupt.
    """
    width, height = form.size
    pixels = np.empty((len(images), height, width, len(form.mode)), dtype=np.uint8)
    for row, image in zip(pixels, images, strict=True):
        with _opened(image) as opened:
            converted = opened.convert(form.mode)
            if form.resizes:
                converted = ImageOps.fit(converted, form.size, Image.Resampling.BICUBIC)
            row[:] = np.asarray(converted).reshape(row.shape)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _header(image: EncodedImage) -> tuple[tuple[int, int], str]:
    with _opened(image) as opened:
        size, mode = opened.size, opened.mode
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(
            f"{image.source}: is {_times(size)} pixels; at most {MAX_PIXELS} in all are allowed"
        )
    if mode not in GREY_MODES + COLOUR_MODES:
        raise DataError(
            f"{image.source}: is of mode {mode!r}; grey or RGB with 8 bits a channel is allowed"
        )
    return size, mode


@contextmanager
def _opened(image: EncodedImage) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            # What Pillow warns of (a size that smells of a bomb, broken metadata) is refused or
            # does not change a pixel.
            warnings.simplefilter("ignore")
            with image.open() as file, Image.open(file, formats=FORMATS) as opened:
                yield opened
    except UnidentifiedImageError as error:
        raise DataError(
            f"{image.source}: not an image that can be read ({', '.join(FORMATS)})"
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{image.source}: is too large: {error}") from error
    except DataError:
        raise
    # What Pillow's decoders raise on damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise DataError(f"{image.source}: the image is damaged: {error}") from error


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
