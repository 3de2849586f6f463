"""Patches against the photographs they are cut from."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from vae_core import load_dataset


@pytest.fixture(scope="module")
def patches():
    return load_dataset("patches")


@pytest.fixture(scope="module")
def china():
    return load_sample_image("china.jpg")


def test_sizes(patches):
    assert patches.train_images.shape == (6_552, 3, 16, 16)
    assert patches.test_images.shape == (1_560, 3, 16, 16)
    assert patches.train_labels is None
    assert patches.test_labels is None


def test_a_patch_is_a_part_of_a_photograph_in_colour(patches, china):
    second_row = patches.train_images[63 + 2]  # 63 patches a row, 8 pixels apart
    np.testing.assert_array_equal(second_row.permute(1, 2, 0), china[8:24, 16:32])


def test_training_patches_end_where_test_patches_begin(patches, china):
    last, first = patches.train_images[62], patches.test_images[0]
    np.testing.assert_array_equal(last.permute(1, 2, 0), china[:16, 496:512])
    np.testing.assert_array_equal(first.permute(1, 2, 0), china[:16, 512:528])


def test_both_photographs_are_in_both_parts(patches):
    flower = load_sample_image("flower.jpg")
    half = len(patches.train_images) // 2
    np.testing.assert_array_equal(patches.train_images[half].permute(1, 2, 0), flower[:16, :16])
    half = len(patches.test_images) // 2
    np.testing.assert_array_equal(patches.test_images[half].permute(1, 2, 0), flower[:16, 512:528])


def test_a_part_of_them_is_a_fixed_choice(patches):
    part = load_dataset("patches", train_size=100, test_size=20)
    assert part.train_images.shape == (100, 3, 16, 16)
    assert part.content_hash == load_dataset("patches", train_size=100, test_size=20).content_hash
