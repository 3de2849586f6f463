from __future__ import annotations

from dataclasses import replace

from reports.figures.figure import Missing, render
from reports.figures.kernel_audit import instruction_slots
from reports.style import LIGHT


def test_states_the_worst_case_its_budget_and_the_limit(kernel_audited):
    figure = instruction_slots(kernel_audited)
    assert figure.finding == (
        "On sm_90 an element takes at most 34.0 instruction slots forward (budget 40; limit 93 in "
        "float32, 47 in bfloat16) and 34.0 instruction slots backward (budget 42; limit 156 in "
        "float32, 78 in bfloat16). Time was not yet measured on a GPU."
    )
    assert len(figure.data) == 16


def test_what_was_timed_is_not_called_unmeasured(kernel_audited, kernel_measured):
    both = replace(kernel_audited, kernel_timings=kernel_measured.kernel_timings)
    assert "not yet measured" not in instruction_slots(both).finding


def test_budget_and_limit_are_marked_where_they_are_known(kernel_audited):
    forward, backward = instruction_slots(kernel_audited).draw(LIGHT).axes
    for ax, budget, limits in ((forward, 40, {47, 93}), (backward, 42, {78, 156})):
        marked = {
            marks.get_label(): {round(line[0][0]) for line in marks.get_segments()}
            for marks in ax.collections
        }
        assert marked == {"budget": {budget}, "limit of an H200 (model)": limits}
    rows = [label.get_text() for label in forward.get_yticklabels()]
    assert rows == ["sm_90 float32", "sm_90 bfloat16", "gfx942 float32", "gfx942 bfloat16"]


def test_is_drawn_for_light_and_dark(kernel_audited):
    light, dark = render(instruction_slots(kernel_audited))
    assert light != dark


def test_says_that_nothing_was_audited(nothing_measured):
    assert isinstance(instruction_slots(nothing_measured), Missing)
