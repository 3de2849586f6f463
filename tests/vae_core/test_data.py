"""The table of data sets."""

import pytest

from vae_core import DATASETS, DataError, load_dataset
from vae_core.data import describe


def test_an_unknown_name_is_refused_with_those_that_are_known():
    message = r"^data\.name: 'cifar' is unknown; one of digits, .*mnist, .* is allowed$"
    with pytest.raises(DataError, match=message):
        load_dataset("cifar")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_file_based_data_need_a_folder(name):
    with pytest.raises(DataError, match=rf"^data\.root: not given; {name} needs the folder"):
        load_dataset(name)


def test_sizes_reach_the_data_set():
    dataset = load_dataset("digits", train_size=100, test_size=20)
    assert (len(dataset.train_images), len(dataset.test_images)) == (100, 20)


def test_every_data_set_says_what_it_is_and_how_to_get_it():
    described = describe()
    assert [name for name, _, _ in described] == list(DATASETS)
    assert all(what and obtain for _, what, obtain in described)


def test_only_image_files_can_be_resized():
    message = r"^data\.image_size: 32 is not allowed for digits; only for images, hf is it$"
    with pytest.raises(DataError, match=message):
        load_dataset("digits", image_size=32)
