from __future__ import annotations

from dataclasses import replace

import numpy as np

from reports.figures.figure import Missing, render
from reports.figures.vae_cost import vae_over_ae
from reports.style import LIGHT


def test_states_the_ratio_with_its_interval(throughput_measured):
    figure = vae_over_ae(throughput_measured)
    assert figure.finding.startswith(
        "At latent dimension 8 a VAE takes, times the AE (cpu, float32, eager): "
        "train 1.25 [1.25–1.25], encode 1.25"
    )
    assert "95 % interval" in figure.note
    assert {"ratio", "ratio_low", "ratio_high"} <= set(figure.data)


def test_a_panel_each_study_with_a_line_at_one(throughput_measured):
    axes = vae_over_ae(throughput_measured).draw(LIGHT).axes
    assert [ax.get_xlabel() for ax in axes] == [
        "latent dimension (log scale)",
        "batch size (log scale)",
        "models trained together (log scale)",
    ]
    assert all(ax.lines[0].get_ydata() == [1.0, 1.0] for ax in axes)


def test_intervals_are_drawn_as_bars(throughput_measured):
    ratios = throughput_measured.vae_over_ae.assign(ratio_low=1.1, ratio_high=1.5)
    canvas = vae_over_ae(replace(throughput_measured, vae_over_ae=ratios)).draw(LIGHT)
    train = canvas.axes[0].containers[0]
    np.testing.assert_allclose(train.lines[2][0].get_segments()[0][:, 1], [1.1, 1.5])


def test_every_device_has_a_row_of_its_own(two_devices_measured):
    figure = vae_over_ae(two_devices_measured)
    labels = [ax.get_ylabel() for ax in figure.draw(LIGHT).axes]
    assert labels[::3] == ["VAE / AE\ncpu, float32, eager", "VAE / AE\ncuda, float32, eager"]
    light, dark = render(figure)
    assert light != dark


def test_only_one_objective_is_no_comparison(nothing_measured):
    answer = vae_over_ae(nothing_measured)
    assert isinstance(answer, Missing)
    assert answer.reason == "an AE and a VAE were not both timed"
