"""Stratified choices: equal class shares, nothing twice, the same everywhere."""

import numpy as np
import pytest

from vae_core.data.split import (
    fixed_split,
    fixed_subset,
    stratified_split,
    stratified_subset,
)

UNEVEN = np.repeat([0, 1, 2], [100, 60, 7])


def shares_kept(labels, rows):
    """Whether each class has its share of the rows, to less than one row."""
    counts = np.bincount(labels[rows], minlength=3)
    return (np.abs(counts - len(rows) * np.bincount(labels) / len(labels)) < 1).all()


def test_a_split_takes_every_row_once():
    train, test = stratified_split(UNEVEN, 40)
    assert len(test) == 40
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(167))


def test_both_parts_of_a_split_are_ascending_and_keep_the_class_shares():
    for rows in stratified_split(UNEVEN, 40):
        assert (np.diff(rows) > 0).all()
        assert shares_kept(UNEVEN, rows)


@pytest.mark.parametrize("size", [1, 3, 10, 83, 160, 165, 166, 167])
def test_a_subset_of_any_size_keeps_the_class_shares(size):
    rows = stratified_subset(UNEVEN, size)
    assert len(rows) == size
    assert (np.diff(rows) > 0).all()
    assert shares_kept(UNEVEN, rows)


def test_a_subset_holds_every_smaller_one():
    assert set(stratified_subset(UNEVEN, 30)) < set(stratified_subset(UNEVEN, 31))


def test_a_subset_is_no_block_of_rows():
    rows = stratified_subset(np.zeros(1000, int), 500)
    assert 200 < (rows < 500).sum() < 300


def test_choices_do_not_depend_on_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002 - the legacy global state is what must not matter
    first = stratified_split(UNEVEN, 40)[1], stratified_subset(UNEVEN, 40)
    np.random.seed(2)  # noqa: NPY002
    second = stratified_split(UNEVEN, 40)[1], stratified_subset(UNEVEN, 40)
    np.testing.assert_array_equal(first, second)


def test_a_fixed_subset_is_stratified_where_there_are_labels():
    np.testing.assert_array_equal(fixed_subset(167, 40, UNEVEN), stratified_subset(UNEVEN, 40))
    without = fixed_subset(167, 40, None)
    assert len(np.unique(without)) == 40
    assert not shares_kept(UNEVEN, without)


def test_all_rows_stay_in_their_order():
    for labels in (UNEVEN, None):
        np.testing.assert_array_equal(fixed_subset(167, 167, labels), np.arange(167))


@pytest.mark.parametrize("labels", [UNEVEN, np.arange(167), None], ids=["uneven", "single", "no"])
def test_a_fixed_split_takes_classes_of_any_size(labels):
    train, test = fixed_split(167, 33, labels)
    assert len(test) == 33
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(167))
    assert (np.diff(train) > 0).all()
