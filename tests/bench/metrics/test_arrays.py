import subprocess
import sys

import numpy as np
import pytest
import torch

from bench import metrics
from bench.metrics.arrays import MetricError, as_floats, as_labels, as_matrix, to_numpy


def test_importing_the_metrics_does_not_import_torch():
    code = "import sys, bench.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there_once():
    assert sorted(metrics.__all__) == metrics.__all__
    assert all(hasattr(metrics, name) for name in metrics.__all__)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_tensor_with_gradient_becomes_the_same_numbers(dtype):
    values = [[0.5, -1.25], [3.0, 0.0]]
    tensor = torch.tensor(values, dtype=dtype, requires_grad=True)
    np.testing.assert_array_equal(to_numpy(tensor), values)


def test_single_precision_is_kept_and_integers_become_double():
    assert as_floats(np.zeros(2, np.float32), "x").dtype == np.float32
    assert as_floats(torch.zeros(2, dtype=torch.uint8), "x").dtype == np.float64
    assert as_floats(np.zeros(2, np.float16), "x").dtype == np.float64


def test_not_a_number_is_named_with_its_place():
    codes = np.zeros((3, 2))
    codes[1, 1] = np.nan
    codes[2, 0] = np.inf
    message = r"z holds NaN or infinite values \(2 of 6, the first at \(1, 1\)\)"
    with pytest.raises(MetricError, match=message):
        as_matrix(codes, "z")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(4), r"z has shape \(4,\); \[N, D\] is needed"),
        (np.zeros((2, 3, 4)), r"z has shape \(2, 3, 4\); \[N, D\] is needed"),
        (np.zeros((0, 3)), r"z has shape \(0, 3\): it is empty"),
        (np.array([["a"]]), r"z has dtype <U1; real numbers are needed"),
        (np.array([[1j]]), r"z has dtype complex128; real numbers are needed"),
    ],
)
def test_what_is_not_a_matrix_of_numbers_is_refused(values, message):
    with pytest.raises(MetricError, match=message):
        as_matrix(values, "z")


def test_too_few_points_are_refused():
    with pytest.raises(MetricError, match="z has 2 points; at least 3 are needed"):
        as_matrix(np.zeros((2, 1)), "z", min_rows=3)


def test_labels_may_be_text_but_must_be_one_a_point():
    assert as_labels(["cat", "dog"], "y", 2).tolist() == ["cat", "dog"]
    with pytest.raises(MetricError, match=r"y has shape \(3,\); one label a point, \[2\], needed"):
        as_labels([1, 2, 3], "y", 2)
    with pytest.raises(MetricError, match="y holds NaN"):
        as_labels([1.0, np.nan], "y", 2)


def test_a_metric_error_is_a_value_error_on_one_line():
    with pytest.raises(ValueError, match="points") as caught:
        metrics.precision_recall_density_coverage(np.zeros((3, 2)), np.zeros((3, 2)))
    assert "\n" not in str(caught.value)
