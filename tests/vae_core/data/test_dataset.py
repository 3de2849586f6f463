"""What identifies a data set, and parts of one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vae_core import DataError, Dataset


@pytest.fixture
def tiny() -> Dataset:
    images = torch.arange(20 * 12, dtype=torch.uint8).view(20, 1, 3, 4)
    labels = torch.arange(20) % 2
    return Dataset("tiny", 250, images, labels, images[:6], labels[:6])


def test_the_hash_is_sixteen_hex_digits_of_the_content_alone(tiny):
    assert len(tiny.content_hash) == 16
    int(tiny.content_hash, 16)
    copy = replace(tiny, name="another name", train_images=tiny.train_images.clone())
    assert copy.content_hash == tiny.content_hash


@pytest.mark.parametrize(
    "change",
    [
        lambda d: {"levels": 251},
        lambda d: {
            "train_images": d.train_images + torch.eye(20, dtype=torch.uint8)[:, :1, None, None]
        },
        lambda d: {"train_images": d.train_images.view(20, 1, 4, 3)},
        lambda d: {"train_labels": d.train_labels.flip(0)},
        lambda d: {"test_images": d.test_images.flip(0)},
        lambda d: {"test_labels": 1 - d.test_labels},
        lambda d: {"test_images": d.test_images[:5], "test_labels": d.test_labels[:5]},
    ],
    ids=["levels", "pixel", "shape", "labels", "test order", "test labels", "test size"],
)
def test_the_hash_changes_with_every_part(tiny, change):
    assert replace(tiny, **change(tiny)).content_hash != tiny.content_hash


def test_pixels_lie_between_0_and_1_and_leave_the_images_alone(tiny):
    before = tiny.train_images.clone()
    pixels = tiny.pixels(tiny.train_images)
    assert pixels.dtype == torch.float32
    torch.testing.assert_close(pixels, before.double().div(250).float())
    assert torch.equal(tiny.train_images, before)


def test_none_keeps_a_part_whole(digits):
    assert digits.subset(None, None).content_hash == digits.content_hash
    assert digits.subset(1437, 360).content_hash == digits.content_hash


def test_a_subset_is_made_of_rows_of_the_whole_with_its_class_shares(digits):
    part = digits.subset(200, 50)
    assert (len(part.train_images), len(part.test_images)) == (200, 50)
    whole = {
        (*x.flatten().tolist(), int(y))
        for x, y in zip(digits.train_images, digits.train_labels, strict=True)
    }
    assert {
        (*x.flatten().tolist(), int(y))
        for x, y in zip(part.train_images, part.train_labels, strict=True)
    } < whole
    for all_labels, labels in (
        (digits.train_labels, part.train_labels),
        (digits.test_labels, part.test_labels),
    ):
        expected = len(labels) * np.bincount(all_labels) / len(all_labels)
        assert (np.abs(np.bincount(labels) - expected) < 1).all()
    assert part.content_hash != digits.content_hash
    assert part.content_hash == digits.subset(200, 50).content_hash


@pytest.mark.parametrize("size", [10, 1427, 1428, 1436])
def test_every_size_that_the_message_allows_is_allowed(digits, size):
    part = digits.subset(size, None)
    assert len(part.train_images) == len(part.train_labels) == size


@pytest.mark.parametrize("size", [9, 1438])
def test_too_small_and_too_large_a_part_is_refused(digits, size):
    message = (
        rf"^data\.train_size: {size} is not allowed; digits has 1437 train images of 10 classes, "
        "so 10 to 1437 is$"
    )
    with pytest.raises(DataError, match=message):
        digits.subset(size, None)


def test_a_refusal_names_the_split(digits):
    with pytest.raises(
        DataError, match=r"^data\.test_size: 361 .* 360 test images .* 10 to 360 is$"
    ):
        digits.subset(None, 361)


def test_moving_keeps_everything(tiny):
    moved = tiny.to("cpu")
    assert moved.content_hash == tiny.content_hash
    assert (moved.name, moved.levels) == ("tiny", 250)
