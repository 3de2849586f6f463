"""The embedded digits against scikit-learn's own copy."""

import numpy as np
from sklearn.datasets import load_digits


def rows_of(images, labels):
    return sorted((int(y), x.tobytes()) for x, y in zip(images, labels, strict=True))


def test_sizes_and_types(digits):
    assert digits.train_images.shape == (1437, 1, 8, 8)
    assert digits.test_images.shape == (360, 1, 8, 8)
    assert digits.image_shape == (1, 8, 8)
    assert digits.pixels_per_image == 64


def test_training_and_test_part_together_are_the_whole_set_once(digits):
    bunch = load_digits()
    parts = [
        row
        for images, labels in (
            (digits.train_images, digits.train_labels),
            (digits.test_images, digits.test_labels),
        )
        for row in rows_of(images.numpy().reshape(-1, 64), labels.numpy())
    ]
    whole = rows_of(bunch.data.astype(np.uint8), bunch.target)
    assert len({image for _, image in whole}) == 1797  # so that equal lists mean disjoint parts
    assert sorted(parts) == whole


def test_every_class_has_its_share_in_both_parts(digits):
    whole = np.bincount(load_digits().target)
    for labels in (digits.train_labels.numpy(), digits.test_labels.numpy()):
        assert (np.abs(np.bincount(labels) - len(labels) * whole / 1797) < 1).all()


def test_pixels_are_scikit_learns_over_sixteen(digits):
    pixels = digits.pixels(digits.test_images)
    assert (pixels.min(), pixels.max()) == (0, 1)
    known = {row.tobytes(): row for row in load_digits().data.astype(np.uint8)}
    first = digits.test_images[0].numpy().reshape(64)
    np.testing.assert_array_equal(pixels[0].flatten(), known[first.tobytes()] / np.float32(16))


def test_the_split_never_changes(digits):
    assert digits.content_hash == "3b6dc128a3deca55"
