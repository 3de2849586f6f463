import pytest

from bench.gates.baseline import entries_of
from bench.gates.judge import Verdict, confirm, judge


def verdicts(before, now, **options):
    return [row.verdict for row in judge(entries_of(before), now, **options)]


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (2.0, "ok"),
        (2.49, "ok"),
        (2.51, "SLOWER"),
        (1.61, "ok"),
        (1.59, "faster: baseline is stale"),
    ],
)
def test_a_time_may_grow_by_its_tolerance(make, ratio, verdict):
    assert verdicts([make["timed"]()], [make["timed"](ratio)]) == [verdict]


def test_the_tolerance_that_counts_is_the_committed_one(make):
    now = make["timed"](2.4, tolerance=9.0)
    assert verdicts([make["timed"](tolerance=1.1)], [now]) == [Verdict.SLOWER]


def test_the_median_process_decides(make):
    now = [make["timed"](ratio) for ratio in (2.0, 9.0, 2.1)]
    assert verdicts([make["timed"]()], now) == [Verdict.OK]


@pytest.mark.parametrize(
    ("values", "verdict"), [((1.0, 1.2), "ok"), ((2.0, 2.2), "OUTSIDE"), ((0.0, 0.1), "OUTSIDE")]
)
def test_a_quality_must_stay_in_its_interval_on_either_side(make, values, verdict):
    assert verdicts([make["seeds"](1.0, 1.1)], [make["seeds"](*values)]) == [verdict]


def test_a_mean_over_other_seeds_is_no_evidence(make):
    assert verdicts([make["seeds"](1.0, 1.1)], [make["seeds"](1.0, 1.1, 1.05)]) == ["OUTSIDE"]


@pytest.mark.parametrize(
    ("was", "now", "verdict"),
    [
        (0, 0, "ok"),
        (0, 1, "MORE"),
        (5, 4, "fewer: baseline is stale"),
        (5, 6, "MORE"),
        (10_000_000, 10_000_001, "MORE"),
    ],
)
def test_a_count_is_exact(make, was, now, verdict):
    assert verdicts([make["count"](was)], [make["count"](now)]) == [verdict]


def test_a_closed_form_is_held_against_theory_whatever_the_baseline_was(make):
    wrong = make["closed-form"](1.5)
    assert verdicts([wrong], [wrong]) == [Verdict.OUTSIDE]


def test_what_vanished_was_disabled_or_failed_does_not_pass(make):
    was = [make["timed"]()]
    assert verdicts(was, []) == [Verdict.VANISHED]
    assert verdicts(was, [make["absent"]("disabled")]) == [Verdict.DISABLED]
    assert verdicts(was, [make["absent"]("failed")]) == [Verdict.FAILED]


def test_a_test_of_several_figures_that_fails_fails_them_all_and_is_named_once(make):
    was = [make["timed"](name="engine/step a"), make["timed"](name="engine/step b")]
    rows = judge(entries_of(was), [make["absent"]("failed", reason="boom")])
    assert [(row.name, row.verdict, row.note) for row in rows] == [
        ("engine/step a", Verdict.FAILED, "boom"),
        ("engine/step b", Verdict.FAILED, "boom"),
    ]


def test_a_test_that_fails_after_it_measured_does_not_pass(make):
    found = [make["timed"](), make["absent"]("failed")]
    assert Verdict.FAILED in verdicts([make["timed"]()], found)


def test_what_has_no_baseline_fails_unless_the_other_commit_lacks_it(make):
    now = [make["timed"]()]
    assert verdicts([], now) == [Verdict.NO_BASELINE]
    assert verdicts([], now, unknown_is_new=True) == [Verdict.NEW]


def test_a_new_closed_form_is_held_against_theory(make):
    assert verdicts([], [make["closed-form"](1.5)], unknown_is_new=True) == [Verdict.OUTSIDE]
    assert verdicts([], [make["closed-form"](1.0)], unknown_is_new=True) == [Verdict.OK]


def test_a_new_test_that_fails_does_not_pass_as_new(make):
    assert verdicts([], [make["absent"]("failed")], unknown_is_new=True) == [Verdict.FAILED]


def test_a_figure_of_another_kind_has_no_baseline(make):
    now = make["count"](1).model_copy(update={"name": "engine/step"})
    assert verdicts([make["timed"]()], [now]) == [Verdict.NO_BASELINE]


@pytest.mark.parametrize(("again", "verdict"), [(2.0, Verdict.OK), (2.6, Verdict.SLOWER)])
def test_slower_is_believed_when_it_is_measured_twice(make, again, verdict):
    was = entries_of([make["timed"](), make["count"](1)])
    first = judge(was, [make["timed"](3.0), make["count"](2)])
    second = judge(was, [make["timed"](again)])
    (time, count) = confirm(first, second)
    assert (time.verdict, time.note) == (verdict, "measured twice, first 3")
    assert count.verdict is Verdict.MORE


def test_why_the_second_measurement_failed_is_told(make):
    was = entries_of([make["timed"]()])
    first, second = judge(was, [make["timed"](3.0)]), judge(was, [make["absent"]("failed", "boom")])
    (row,) = confirm(first, second)
    assert (row.verdict, row.note) == (Verdict.FAILED, "measured twice, first 3; boom")
