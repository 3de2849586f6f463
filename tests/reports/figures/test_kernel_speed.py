from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.figures.figure import Missing, render
from reports.figures.kernel_panels import shape_name
from reports.figures.kernel_speed import memory, roofline, speed_ups
from reports.style import LIGHT


def test_the_roofline_states_the_least_share_of_a_copy(kernel_measured):
    figure = roofline(kernel_measured)
    assert figure.finding == (
        "At 2²⁶ elements and more, forward and backward each reach at least 80 % in float32 and "
        "73 % in bfloat16 of the bandwidth of a copy, 4,000 GB/s."
    )
    assert "3 repeats" in figure.note
    assert {"copy_share", "floor_gb_per_s", "peak_memory_bytes"} <= set(figure.data)


def test_the_roofline_is_drawn_below_the_line_of_a_copy(kernel_measured):
    canvas = roofline(kernel_measured).draw(LIGHT)
    assert len(canvas.axes) == 6
    first = canvas.axes[0]
    assert first.get_title() == "forward, float32"
    assert first.lines[0].get_ydata() == [100.0, 100.0]
    fused = next(bars for bars in first.containers if bars.get_label() == "fused")
    np.testing.assert_allclose(fused.lines[0].get_ydata(), 80.0)
    # quartiles of the made-up repeats are at 0.95 and 1.05 of the median time
    segment = fused.lines[2][0].get_segments()[0]
    np.testing.assert_allclose(segment[:, 1], [80 / 1.05, 80 / 0.95])


def test_shapes_stand_in_the_order_of_their_elements(kernel_measured):
    axes = roofline(kernel_measured).draw(LIGHT).axes
    assert [label.get_text() for label in axes[-1].get_xticklabels()] == [
        "128×16",
        "512k×128",
        "64k×1k",
    ]


def test_speed_ups_compare_graphs_with_graphs(kernel_measured):
    figure = speed_ups(kernel_measured)
    float32 = figure.data[figure.data["dtype"] == "float32"]
    found = float32.groupby(["ours", "baseline"])["speedup"].mean().to_dict()
    assert found == pytest.approx(
        {
            ("fused", "eager"): 8.0,
            ("fused", "compile"): 1.6,
            ("fused-cudagraphs", "compile-cudagraphs"): 1.6 / 1.2,
        }
    )
    assert "over eager at least 8.00× in float32 and 7.27× in bfloat16" in figure.finding
    assert "over torch.compile at least 1.60× in float32 and 1.45× in bfloat16" in figure.finding
    assert "The smallest ratio anywhere is 1.33× over torch.compile, CUDA graph" in figure.finding


def test_memory_is_that_of_the_largest_size(kernel_measured):
    figure = memory(kernel_measured)
    assert set(figure.data["rows"] * figure.data["latent_dim"]) == {2**26}
    assert figure.data["provider"].value_counts().unique().tolist() == [2]
    assert "float32 fused < 0.01, torch.compile 4.0, eager 12" in figure.finding


def test_a_baseline_that_is_absent_is_left_out(kernel_measured):
    timed = kernel_measured.kernel_timings
    kept = timed[timed["provider"].isin(["copy", "fused"])].assign(
        speedup_over_eager=np.nan,
        speedup_over_compile=np.nan,
        speedup_over_compile_cudagraphs=np.nan,
    )
    measured = replace(kernel_measured, kernel_timings=kept)
    assert len(roofline(measured).draw(LIGHT).axes[0].containers) == 1
    assert isinstance(speed_ups(measured), Missing)


@pytest.mark.parametrize("builder", [roofline, speed_ups, memory])
def test_without_a_gpu_it_says_so(builder, kernel_audited):
    answer = builder(kernel_audited)
    assert isinstance(answer, Missing)
    assert answer.reason.startswith("not yet measured on a GPU")


@pytest.mark.parametrize("builder", [roofline, speed_ups, memory])
def test_pictures_are_drawn_for_light_and_dark(builder, kernel_measured):
    light, dark = render(builder(kernel_measured))
    assert light[:4] == dark[:4] == b"\x89PNG"
    assert light != dark


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((128, 16), "128×16"),
        ((65_536, 1024), "64k×1k"),
        ((2**22, 20), "4M×20"),
        ((1500, 2), "1500×2"),
    ],
)
def test_names_of_shapes(shape, name):
    assert shape_name(*shape) == name
