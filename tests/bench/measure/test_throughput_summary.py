from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.measure.throughput_summary import SUBJECT, medians, scaling, vae_over_ae

SAME = {
    "study": "cohort",
    "device": "cpu",
    "dtype": "float32",
    "engine": "eager",
    "objective": "vae",
    "latent_dim": 8,
    "batch_size": 128,
    "cohort_size": 1,
    "phase": "train",
}


def repeats(*seconds: float, **changes: object) -> list[dict[str, object]]:
    subject = SAME | changes
    return [
        subject
        | {
            "repeat": index,
            "seconds": value,
            "samples_per_s": 128 / value,
            "peak_memory_bytes": 7,
            "baseline_memory_bytes": 3,
        }
        for index, value in enumerate(seconds)
    ]


def test_a_subject_is_one_row_with_its_median_and_quartiles():
    timed = pd.DataFrame(repeats(1.0, 2.0, 4.0) + repeats(8.0, cohort_size=2))
    first, second = medians(timed).to_dict("records")
    assert [first[name] for name in SUBJECT] == [SAME[name] for name in SUBJECT]
    assert first["samples_per_s"] == 64.0
    assert (first["samples_per_s_q1"], first["samples_per_s_q3"]) == (48.0, 96.0)
    assert first["peak_memory_bytes"] == 7
    assert second["seconds"] == 8.0


def test_what_could_not_run_is_not_in_the_summary():
    timed = pd.DataFrame(repeats(1.0) + repeats(math.nan, engine="fused"))
    assert medians(timed)["engine"].tolist() == ["eager"]


def test_the_exponent_of_a_power_law_is_found():
    sizes = [1, 2, 4, 8]
    timed = pd.DataFrame([row for k in sizes for row in repeats(0.5 * k**0.7, cohort_size=k)])
    (fit,) = scaling(timed, "cohort_size").to_dict("records")
    assert fit["exponent"] == pytest.approx(0.7)
    assert fit["half_width"] == pytest.approx(0.0, abs=1e-6)
    assert fit["cohort_size"] == "1–8"


def test_the_interval_of_an_exponent_is_student_s():
    seconds = {1: 1.0, 2: 2.3, 4: 3.7, 8: 8.4}
    timed = pd.DataFrame([row for k, s in seconds.items() for row in repeats(s, cohort_size=k)])
    (fit,) = scaling(timed, "cohort_size").to_dict("records")
    x, y = np.log(list(seconds)), np.log(list(seconds.values()))
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    assert fit["exponent"] == pytest.approx(slope)
    assert fit["half_width"] == pytest.approx(math.sqrt(covariance[0, 0]) * stats.t(2).ppf(0.975))


def test_two_sizes_make_no_exponent():
    timed = pd.DataFrame(repeats(1.0) + repeats(2.0, cohort_size=2))
    assert scaling(timed, "cohort_size").empty


def test_the_ratio_of_vae_to_ae_is_paired_by_repeat():
    ae, vae = [1.0, 10.0, 100.0], [1.2, 13.0, 150.0]  # the machine slows down, the ratio does not
    timed = pd.DataFrame(repeats(*ae, objective="ae") + repeats(*vae))
    (found,) = vae_over_ae(timed).to_dict("records")
    logs = np.log(np.divide(vae, ae))
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert found["ratio"] == pytest.approx(stats.gmean(np.divide(vae, ae)))
    assert found["ratio_low"] == pytest.approx(math.exp(interval.low))
    assert found["ratio_high"] == pytest.approx(math.exp(interval.high))


def test_an_objective_alone_makes_no_ratio():
    assert vae_over_ae(pd.DataFrame(repeats(1.0, 2.0))).empty
