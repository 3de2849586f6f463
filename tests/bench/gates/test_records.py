import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bench.gates import records
from bench.gates.records import Timed


def test_a_ratio_is_that_of_all_rounds_to_the_references_around_them():
    figure = Timed(
        name="a",
        node="n",
        seconds=(2.0, 6.0, 30.0),
        beside_seconds=(1.0, 1.0, 3.0, 3.0),
        tolerance=1.25,
    )
    assert figure.ratio == 38.0 / 6.0  # (2 + 6 + 30) / (1 + 2 + 3)


def test_work_that_only_one_round_in_three_does_is_seen(make):
    steady = make["timed"](1.0)
    now_and_then = steady.model_copy(update={"seconds": (1.0, 1.0, 1.9)})
    assert now_and_then.ratio == pytest.approx(1.3 * steady.ratio)


def test_a_machine_that_slows_down_four_times_half_way_hardly_changes_a_ratio():
    slowing = np.repeat([1.0, 4.0], [15, 16])
    figure = Timed(
        name="a",
        node="n",
        seconds=tuple(1.5 * slowing[:-1]),
        beside_seconds=tuple(slowing),
        tolerance=1.25,
    )
    assert figure.ratio == pytest.approx(1.5, rel=0.025)


def test_the_interval_of_a_mean_is_students(make):
    values = (1.0, 2.0, 4.0, 4.5)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    figure = make["seeds"](*values)
    assert figure.mean - figure.half_width == pytest.approx(low)
    assert figure.mean + figure.half_width == pytest.approx(high)


def test_an_interval_is_never_narrower_than_what_can_be_told_apart(make):
    assert make["seeds"](0.9, 0.9, resolution=0.01).half_width == 0.01


@pytest.mark.parametrize("kind", ["seeds", "count", "closed-form"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_no_figure(make, kind, value):
    given = (value, 1.0) if kind == "seeds" else (value,)
    with pytest.raises(ValidationError, match="finite number"):
        make[kind](*given)


@pytest.mark.parametrize(("value", "met"), [(1.009, True), (0.991, True), (1.02, False)])
def test_a_closed_form_is_met_within_its_tolerance(make, value, met):
    assert make["closed-form"](value).is_met is met


def test_records_survive_the_file(make, tmp_path):
    written = [make["timed"](), make["seeds"](1.0, 2.0), make["count"](3), make["closed-form"](1.0)]
    written.append(make["absent"]("failed"))
    records.write(tmp_path / "new" / "r.json", written)
    assert records.read(tmp_path / "new" / "r.json") == written
