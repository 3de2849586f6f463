from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.figures.cohort_size import cohort_memory, cohort_time
from reports.figures.figure import Missing, render
from reports.style import LIGHT


def test_time_is_a_model_and_step_with_its_exponent(throughput_measured):
    figure = cohort_time(throughput_measured)
    # 1.01 ms · √16 / 16 models
    assert figure.finding == (
        "AE: 0.25 ms a model and step among 16, 1.0 alone, exponent 0.50 ± 0.00; "
        "VAE: 0.32 ms a model and step among 16, 1.3 alone, exponent 0.50 ± 0.00."
    )
    ae = figure.data[figure.data["objective"] == "ae"]
    np.testing.assert_allclose(ae["ms_per_model"], [1.01, 0.505, 0.2525])
    np.testing.assert_allclose(ae["exponent"], 0.5)
    assert (ae["ms_per_model_q1"] < ae["ms_per_model"]).all()
    assert (ae["ms_per_model_q3"] > ae["ms_per_model"]).all()


def test_an_exponent_that_could_not_be_fitted_is_left_out(throughput_measured):
    measured = replace(throughput_measured, scaling=throughput_measured.scaling.iloc[:0])
    assert cohort_time(measured).finding.startswith(
        "AE: 0.25 ms a model and step among 16, 1.0 alone; VAE"
    )


def test_memory_is_beyond_the_process_and_stated_a_model(throughput_measured):
    figure = cohort_memory(throughput_measured)
    ae = figure.data[figure.data["objective"] == "ae"]
    assert ae["mebibytes"].tolist() == [10, 40, 160]
    assert figure.finding.startswith("AE: 16 models take 160 MiB, 10 for each beyond 1; VAE")
    assert figure.finding.endswith("The process without them held 100 MiB.")


def test_memory_that_was_not_measured_is_said(throughput_measured):
    timed = throughput_measured.throughput.assign(peak_memory_bytes=np.nan)
    answer = cohort_memory(replace(throughput_measured, throughput=timed))
    assert isinstance(answer, Missing)
    assert answer.reason == "peak memory was not measured"


def test_axes_are_logarithmic_with_every_size(throughput_measured):
    (ax,) = cohort_time(throughput_measured).draw(LIGHT).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert {label.get_text() for label in ax.get_xticklabels()} == {"1", "4", "16"}


@pytest.mark.parametrize("builder", [cohort_time, cohort_memory])
def test_pictures_are_drawn_for_light_and_dark(builder, two_devices_measured):
    light, dark = render(builder(two_devices_measured))
    assert light != dark


@pytest.mark.parametrize("builder", [cohort_time, cohort_memory])
def test_nothing_timed_is_said(builder, nothing_measured):
    assert isinstance(builder(nothing_measured), Missing)
