import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from sklearn.datasets import load_digits

from bench.metrics import MetricError, ssim, ssim_per_image
from bench.metrics import structural_similarity as module


@pytest.fixture(scope="module")
def digits():
    """Twelve digits and blurred copies of them."""
    images = load_digits().images[:12] / 16
    blurred = (images + np.roll(images, 1, axis=1) + np.roll(images, 1, axis=2)) / 3
    return images, blurred


def _by_scikit_image(x, decoded, **options):
    pairs = zip(x, decoded, strict=True)
    return [structural_similarity(a, b, data_range=1, **options) for a, b in pairs]


def test_digits_score_as_scikit_image_scores_them_at_its_defaults(digits):
    expected = _by_scikit_image(*digits)
    assert ssim_per_image(*digits) == pytest.approx(expected, abs=1e-12)
    assert ssim(*digits) == pytest.approx(np.mean(expected), abs=1e-12)
    assert 0.2 < ssim(*digits) < 0.9


@pytest.mark.parametrize("shape", [(28, 28), (64, 64), (9, 31), (7, 7)])
def test_larger_and_oblong_images_score_as_in_scikit_image(shape):
    x, noise = np.random.default_rng(0).random((2, 3, *shape))
    decoded = 0.7 * x + 0.3 * noise
    assert ssim_per_image(x, decoded) == pytest.approx(_by_scikit_image(x, decoded), abs=1e-12)


def test_colour_channels_are_scored_apart_and_averaged():
    x, decoded = np.random.default_rng(1).random((2, 3, 3, 16, 16))
    expected = _by_scikit_image(x, decoded, channel_axis=0)
    assert ssim_per_image(x, decoded) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("side", "window"), [(6, 5), (5, 5), (4, 3), (3, 3)])
def test_a_small_image_gets_the_largest_odd_window_that_fits(side, window):
    x, decoded = np.random.default_rng(2).random((2, 4, side, 12))
    expected = _by_scikit_image(x, decoded, win_size=window)
    assert ssim_per_image(x, decoded) == pytest.approx(expected, abs=1e-12)


def test_blocks_do_not_change_the_score(digits, monkeypatch):
    whole = ssim_per_image(*digits)
    monkeypatch.setattr(module, "_BLOCK_NUMBERS", 5 * 64)
    np.testing.assert_array_equal(ssim_per_image(*digits), whole)


def test_an_image_is_like_itself_and_unlike_its_negative(digits):
    images, _ = digits
    assert ssim(images, images) == pytest.approx(1.0)
    assert ssim(images, 1 - images) < 0


def test_constant_images_have_a_similarity():
    grey = np.full((2, 8, 8), 0.5)
    assert ssim(grey, grey) == pytest.approx(1.0)


def test_tensors_and_float32_score_alike(digits):
    images, blurred = (torch.tensor(part, dtype=torch.float32) for part in digits)
    assert ssim(images[:, None], blurred[:, None]) == pytest.approx(ssim(*digits), abs=1e-5)


@pytest.mark.parametrize(
    ("x", "decoded", "message"),
    [
        (np.zeros((2, 8, 8)), np.zeros((3, 8, 8)), r"x has shape \(2, 8, 8\) and reconstruction"),
        (np.zeros((2, 64)), np.zeros((2, 64)), r"x has shape \(2, 64\); \[N, H, W\]"),
        (np.zeros((2, 2, 8)), np.zeros((2, 2, 8)), "sides of at least 3 pixels"),
        (np.zeros((2, 8, 8)), np.full((2, 8, 8), np.nan), "reconstruction holds NaN"),
    ],
)
def test_bad_input_is_named(x, decoded, message):
    with pytest.raises(MetricError, match=message):
        ssim(x, decoded)
