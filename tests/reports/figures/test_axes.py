from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from reports.figures import axes
from reports.figures.axes import (
    WeightAxis,
    draw_estimates,
    set_latent_axis,
    set_log_values,
    set_metric_axis,
)
from reports.metrics import METRICS
from reports.style import LIGHT


@pytest.fixture
def ax():
    return Canvas(figsize=(4, 3), layout="constrained").subplots()


def labels(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def test_weights_are_logarithmic_and_the_ae_stands_left_of_them(ax):
    axis = WeightAxis((0.01, 0.1, 1.0), with_ae=True)
    assert [axis.position(weight) for weight in (0.01, 0.1, 1.0)] == [-2.0, -1.0, 0.0]
    assert axis.position(math.nan) < axis.position(0.01)
    axis.decorate(ax, LIGHT)
    assert set(labels(ax)) == {"AE", "0.01", "0.1", "1"}
    low, high = ax.get_xlim()
    assert low < axis.ae
    assert high > 0


def test_a_weight_of_zero_has_a_place_between_ae_and_the_smallest():
    axis = WeightAxis((0.0, 0.1, 1.0), with_ae=True)
    assert axis.position(math.nan) < axis.position(0.0) < axis.position(0.1)


@pytest.mark.parametrize(("weights", "with_ae"), [((), True), ((0.0,), False), ((0.3,), True)])
def test_an_axis_of_one_place_can_be_drawn(ax, weights, with_ae):
    WeightAxis(weights, with_ae).decorate(ax, LIGHT)
    low, high = ax.get_xlim()
    assert low < high
    assert labels(ax)


def test_labels_that_would_overlap_are_left_out_but_the_ends_stay(ax):
    set_latent_axis(ax, list(range(2, 200)))
    canvas = ax.figure
    canvas.draw_without_rendering()
    shown = sorted(ax.get_xticklabels(), key=lambda label: float(label.get_text()))
    assert shown[0].get_text() == "2"
    assert shown[-1].get_text() == "199"
    boxes = [label.get_window_extent() for label in shown]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize("span", [(0.93, 1.2), (0.999, 1.002), (0.3, 2.0), (1.0, 5000.0)])
def test_a_logarithmic_axis_of_any_length_has_numbers_on_it(ax, span):
    ax.plot([0, 1], span)
    set_log_values(ax)
    low, high = ax.get_ylim()
    assert sum(low <= tick <= high for tick in ax.get_yticks()) >= 3
    assert ax.get_yscale() == "log"


def test_the_value_axis_is_logarithmic_only_over_a_span(ax):
    metric = METRICS["test_mse"]
    ax.plot([0, 1], [0.01, 0.011])
    set_metric_axis(ax, metric, pd.Series([0.01, 0.011]))
    assert ax.get_yscale() == "linear"
    ax.plot([0, 1], [0.01, 0.1])
    set_metric_axis(ax, metric, pd.Series([0.01, 0.1]))
    assert ax.get_yscale() == "log"


def test_a_share_that_hardly_varies_is_not_magnified(ax):
    ax.plot([0, 1], [0.9999999, 1.0])
    set_metric_axis(ax, METRICS["interpolation_evenness"], pd.Series([0.9999999, 1.0]))
    low, high = ax.get_ylim()
    assert high - low > 0.03
    assert high <= 1.04


def test_intervals_are_drawn_from_low_to_high(ax):
    summary = pd.DataFrame({"mean": [1.0, 2.0], "low": [0.5, np.nan], "high": [1.25, np.nan]})
    draw_estimates(ax, [0, 1], summary, colour="k", marker="o", label="x")
    segments = ax.containers[0].lines[2][0].get_segments()
    assert segments[0][:, 1].tolist() == [0.5, 1.25]
    assert segments[1][:, 1].tolist() == [2.0, 2.0]


def test_long_legends_take_two_rows():
    assert [axes.legend_columns(count) for count in (1, 5, 7)] == [1, 5, 4]
