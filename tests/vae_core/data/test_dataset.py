"""What identifies a data set, and parts of one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vae_core import DataError, Dataset
from vae_core.data import Factors


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
    assert torch.equal(digits.subset(None, 50).train_images, digits.train_images)
    assert torch.equal(digits.subset(50, None).test_images, digits.test_images)


@pytest.mark.parametrize("sizes", [(None, None), (1437, 360), (None, 360)])
def test_the_whole_is_no_copy(digits, sizes):
    assert digits.subset(*sizes) is digits


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


@pytest.fixture
def bare() -> Dataset:
    """Float images without labels."""
    images = torch.linspace(-1, 2, 20 * 12).view(20, 1, 3, 4)
    return Dataset("bare", 1, images, None, images[:6], None)


@pytest.fixture
def known(tiny) -> Dataset:
    """Images with two known factors."""
    factors = torch.stack([torch.arange(20) % 4, torch.arange(20) % 5], dim=1)
    return replace(tiny, factors=Factors(("a", "b"), (4, 5), factors, factors[:6]))


def test_float_images_are_read_as_they_are(bare):
    assert torch.equal(bare.pixels(bare.train_images), bare.train_images)
    assert bare.pixels(bare.train_images.double()).dtype == torch.float32


def test_without_labels_a_subset_is_a_fixed_random_choice(bare):
    part = bare.subset(10, 3)
    assert part.train_labels is None
    assert part.test_labels is None
    assert part.content_hash == bare.subset(10, 3).content_hash
    firsts = part.train_images[:, 0, 0, 0]
    assert torch.isin(firsts, bare.train_images[:, 0, 0, 0]).all()
    assert not torch.equal(part.train_images, bare.train_images[:10])


@pytest.mark.parametrize("size", [0, 21])
def test_without_labels_any_number_there_is_is_allowed(bare, size):
    message = rf"^data\.train_size: {size} is not allowed; bare has 20 train images, so 1 to 20 is$"
    with pytest.raises(DataError, match=message):
        bare.subset(size, None)
    assert len(bare.subset(1, None).train_images) == 1


def test_a_subset_keeps_each_image_with_its_factors(known):
    part = known.subset(10, 4)
    whole = {x.tobytes(): f for x, f in zip(*both(known), strict=True)}
    for image, factors in zip(*both(part), strict=True):
        np.testing.assert_array_equal(whole[image.tobytes()], factors)
    assert part.factors.test.shape == (4, 2)
    assert part.factors.names == ("a", "b")


def both(dataset):
    return dataset.train_images.numpy(), dataset.factors.train.numpy()


def test_moving_keeps_what_is_known_and_what_is_not(bare, known):
    assert known.to("cpu").content_hash == known.content_hash
    assert bare.to("cpu").train_labels is None


def test_the_hash_knows_labels_and_factors(tiny, known):
    hashes = {
        tiny.content_hash,
        replace(tiny, train_labels=None, test_labels=None).content_hash,
        known.content_hash,
        replace(known, factors=replace(known.factors, train=known.factors.train + 1)).content_hash,
    }
    assert len(hashes) == 4
