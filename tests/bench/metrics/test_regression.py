import numpy as np
import pytest
import torch
from scipy.stats import linregress
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.metrics import MetricError, regression_r2, regression_r2_per_target


@pytest.fixture(scope="module")
def split():
    """Codes of four dimensions; targets: one linear in them, one half noise, one noise."""
    generator = np.random.default_rng(0)
    codes, noise = generator.normal(size=(4000, 4)), generator.normal(size=(4000, 2))
    targets = np.column_stack([codes @ [1, -2, 0, 5] + 3, codes[:, 0] + noise[:, 0], noise[:, 1]])
    return codes[:3000], targets[:3000], codes[3000:], targets[3000:]


def test_the_share_is_that_of_the_variance_put_in(split):
    assert regression_r2_per_target(*split) == pytest.approx([1.0, 0.5, 0.0], abs=0.04)
    assert regression_r2(*split) == pytest.approx(regression_r2_per_target(*split).mean())


def test_on_its_own_points_one_code_explains_its_squared_correlation(split):
    code, target = split[0][:, [0]], split[1][:, 1]
    expected = linregress(code[:, 0], target).rvalue ** 2
    assert regression_r2(code, target, code, target) == pytest.approx(expected, rel=1e-6)


def test_the_share_is_the_score_of_the_scikit_learn_pipeline(split):
    train_z, train_y, test_z, test_y = split
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(train_z, train_y)
    assert regression_r2(*split) == pytest.approx(pipeline.score(test_z, test_y), rel=1e-12)


def test_more_codes_than_points_some_of_them_constant_are_regressed_as_by_scikit_learn():
    generator = np.random.default_rng(1)
    codes = generator.normal(size=(50, 80)) + 5
    codes[:, 7], codes[:, 8] = 0.1, 1e6
    targets = codes[:, :3] + generator.normal(size=(50, 3))
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(codes[:40], targets[:40])
    expected = pipeline.score(codes[40:], targets[40:])
    found = regression_r2(codes[:40], targets[:40], codes[40:], targets[40:])
    assert found == pytest.approx(expected, rel=1e-9)


def test_scale_of_codes_and_kind_of_array_do_not_matter(split):
    train_z, train_y, test_z, test_y = split
    scale = np.array([1e-3, 1, 1e3, -7])
    scaled = regression_r2(train_z * scale + 1, train_y, test_z * scale + 1, test_y)
    assert scaled == pytest.approx(regression_r2(*split))
    assert regression_r2(*(torch.tensor(part) for part in split)) == regression_r2(*split)


def test_constant_codes_are_as_good_as_the_mean(split):
    _, train_y, _, test_y = split
    score = regression_r2(np.ones((3000, 2)), train_y, np.ones((1000, 2)), test_y)
    assert score == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("train_z", "train_y", "test_z", "test_y", "message"),
    [
        (np.eye(3), np.arange(3), np.eye(3), np.ones(3), r"target 0 has one value only \(1\)"),
        (np.eye(3), np.arange(2), np.eye(3), np.arange(3), "train_z has 3 points and train_y has"),
        (np.eye(3), np.eye(3), np.eye(3), np.arange(3), "train_y has 3 columns and test_y has 1"),
        (np.eye(3), np.arange(3), np.eye(3)[:1], [1], "test_z has 1 points; at least 2"),
        (np.eye(3), [0, np.nan, 1], np.eye(3), np.arange(3), "train_y holds NaN"),
    ],
)
def test_bad_input_is_named(train_z, train_y, test_z, test_y, message):
    with pytest.raises(MetricError, match=message):
        regression_r2(train_z, train_y, test_z, test_y)
