from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.figures.figure import Missing, render
from reports.figures.throughput_study import throughput_by_batch, throughput_by_latent, untimed
from reports.style import LIGHT


def test_speed_over_latent_dimension_states_both_ends(throughput_measured):
    figure = throughput_by_latent(throughput_measured)
    # the median repeat takes 1.01 ms for 128 images
    assert figure.finding == (
        "Images a second, train, from latent dimension 2 to 32: AE 127,000 to 127,000 (1.0×); "
        "VAE 101,000 to 101,000 (1.0×)."
    )
    assert "batch 128. Medians of 3 repeats" in figure.note
    assert "All on cpu, float32, eager." in figure.note


def test_one_latent_dimension_has_a_speed_and_no_change(throughput_measured):
    throughput = throughput_measured.throughput
    one = throughput[throughput["latent_dim"] == 8]
    figure = throughput_by_latent(replace(throughput_measured, throughput=one))
    assert figure.finding == (
        "Images a second, train, at latent dimension 8: AE 127,000; VAE 101,000."
    )
    assert all(picture.startswith(b"\x89PNG") for picture in render(figure))


def test_speed_over_batch_size_states_the_gain(throughput_measured):
    figure = throughput_by_batch(throughput_measured)
    assert "from batch size 32 to 128: AE 31,700 to 127,000 (4.0×)" in figure.finding
    assert "latent dimension 8" in figure.note


def test_every_phase_has_a_panel_with_quartiles(throughput_measured):
    axes = throughput_by_batch(throughput_measured).draw(LIGHT).axes
    assert [ax.get_title() for ax in axes] == ["train", "encode", "decode", "sample"]
    bars = axes[0].containers[0].lines[2][0].get_segments()[0][:, 1]
    times = np.quantile([1.0e-3, 1.01e-3, 1.02e-3], [0.75, 0.25])
    np.testing.assert_allclose(bars, 32 / times, rtol=1e-4)


def test_lines_are_named_by_what_varies(two_devices_measured):
    figure = throughput_by_latent(two_devices_measured)
    assert list(dict.fromkeys(figure.data["subject"])) == [
        "AE, cpu",
        "VAE, cpu",
        "AE, cuda",
        "VAE, cuda",
    ]
    assert "All on float32, eager." in figure.note
    lines = [bars.lines[0] for bars in figure.draw(LIGHT).axes[0].containers]
    assert len({line.get_marker() for line in lines}) == 4
    assert lines[0].get_color() == lines[2].get_color() != lines[1].get_color()
    assert lines[0].get_linestyle() == lines[1].get_linestyle() != lines[2].get_linestyle()


def test_what_could_not_be_timed_is_said_once(two_devices_measured):
    assert untimed(two_devices_measured) == [
        Missing("How fast is the fused engine on cpu?", "no GPU")
    ]


def test_more_lines_than_a_chart_holds_are_left_out_and_said(throughput_measured):
    timed = throughput_measured.throughput
    engines = [timed.assign(engine=f"engine {number}") for number in range(5)]
    measured = replace(throughput_measured, throughput=pd.concat(engines, ignore_index=True))
    figure = throughput_by_latent(measured)
    assert figure.note.endswith(" 8 of 10 lines drawn.")
    assert figure.data["subject"].nunique() == 8


@pytest.mark.parametrize("builder", [throughput_by_latent, throughput_by_batch])
def test_pictures_are_drawn_for_light_and_dark(builder, two_devices_measured):
    light, dark = render(builder(two_devices_measured))
    assert light != dark


def test_nothing_timed_is_said(nothing_measured):
    assert isinstance(throughput_by_latent(nothing_measured), Missing)
