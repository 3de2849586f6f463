import math

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_squared_error

from bench.metrics import MetricError, mse, psnr_db


def test_mse_is_the_mean_over_pixels_and_samples():
    x, decoded = np.random.default_rng(0).random((2, 7, 5), dtype=np.float32)
    expected = mean_squared_error(x.astype(float), decoded.astype(float))
    assert mse(x, decoded) == pytest.approx(expected, rel=1e-12)
    assert mse(torch.tensor(x).reshape(7, 5, 1), decoded.reshape(7, 5, 1)) == mse(x, decoded)


def test_mse_of_bytes_does_not_wrap_around():
    assert mse(np.array([0], np.uint8), np.array([1], np.uint8)) == 1.0


def test_mse_needs_equal_shapes():
    message = r"x has shape \(2, 3\) and reconstruction has shape \(3, 2\)"
    with pytest.raises(MetricError, match=message):
        mse(np.zeros((2, 3)), np.zeros((3, 2)))


@pytest.mark.parametrize(("error", "decibels"), [(1.0, 0.0), (0.01, 20.0), (1e-4, 40.0)])
def test_psnr_falls_ten_decibels_with_each_power_of_ten(error, decibels):
    assert psnr_db(error) == pytest.approx(decibels)


def test_psnr_of_a_perfect_reconstruction_is_infinite():
    assert psnr_db(0.0) == math.inf


@pytest.mark.parametrize("error", [-0.1, math.nan, math.inf])
def test_psnr_of_no_squared_error_is_refused(error):
    with pytest.raises(MetricError, match=f"mse is {error}; a finite number of at least 0"):
        psnr_db(error)
