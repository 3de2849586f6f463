"""Which figures the report has, in which order. A new figure is one entry in these tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports import wording
from reports.figures.cohort_size import cohort_memory, cohort_time
from reports.figures.devices import device_agreement
from reports.figures.differences import paired_differences, sensitivity
from reports.figures.established import established
from reports.figures.extremes import reconstructions
from reports.figures.figure import Figure, Missing
from reports.figures.kernel_audit import instruction_slots
from reports.figures.kernel_speed import memory, roofline, speed_ups
from reports.figures.latent_map import latent_map
from reports.figures.manifold import manifold
from reports.figures.posteriors import posterior_ellipses
from reports.figures.probes import linear_probe, nearest_neighbours
from reports.figures.rate import active_units, rate, rate_shares
from reports.figures.rate_distortion import rate_distortion
from reports.figures.read_off import read_off_codes
from reports.figures.reconstruction import reconstruction
from reports.figures.sampling import decoded_samples, interpolations
from reports.figures.small_multiples import (
    continuity,
    disentanglement,
    fitted_samples,
    likelihood,
    prior_samples,
    rate_parts,
)
from reports.figures.speed import throughput
from reports.figures.throughput_study import throughput_by_batch, throughput_by_latent, untimed
from reports.figures.training import training_curves
from reports.figures.traversals import traversals
from reports.figures.vae_cost import vae_over_ae
from reports.figures.weight_strip import weight_strip

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.measurements import Measurements
    from reports.study import Study

    Builder = Callable[[Study], Figure | Missing]
    SpeedBuilder = Callable[[Measurements], Figure | Missing]

SECTIONS: dict[str, tuple[Builder, ...]] = {
    "What it looks like": (
        decoded_samples,
        weight_strip,
        reconstructions,
        interpolations,
        latent_map,
        posterior_ellipses,
        manifold,
        traversals,
    ),
    "What regularising costs": (
        reconstruction,
        rate,
        rate_distortion,
        active_units,
        rate_shares,
        likelihood,
        rate_parts,
    ),
    "What regularising buys": (
        prior_samples,
        fitted_samples,
        continuity,
        linear_probe,
        nearest_neighbours,
        read_off_codes,
        disentanglement,
        paired_differences,
        established,
        sensitivity,
    ),
    "Speed and training": (throughput, training_curves, device_agreement),
}
THROUGHPUT: tuple[SpeedBuilder, ...] = (
    cohort_time,
    cohort_memory,
    throughput_by_latent,
    throughput_by_batch,
    vae_over_ae,
)
KERNEL: tuple[SpeedBuilder, ...] = (roofline, speed_ups, memory, instruction_slots)
THROUGHPUT_UNMEASURED = Missing(
    "How fast are many models at once?",
    "not measured here; python -m bench throughput --out with this directory measures it",
)
KERNEL_UNMEASURED = Missing(
    "How fast is the fused kernel?",
    "not measured here; python -m bench kernels --out with this directory measures it",
)
ONCE = (throughput, device_agreement)
MOST_FAMILIES = 4


@dataclass(frozen=True, slots=True)
class Section:
    """Figures under one heading, and those that could not be drawn."""

    title: str
    figures: tuple[Figure, ...]
    missing: tuple[Missing, ...]


def sections(study: Study) -> list[Section]:
    """Answer every question about the runs that the study has data for."""
    if study.runs.empty:
        return []
    return [
        _section(title, [answer for builder in builders for answer in _answers(builder, study)])
        for title, builders in SECTIONS.items()
    ]


def speed_section(measured: Measurements) -> Section:
    """Answer the questions about speed; of what was not measured, say how to."""
    answers = [
        *_measured(THROUGHPUT, measured, measured.has_throughput, THROUGHPUT_UNMEASURED),
        *_measured(KERNEL, measured, measured.has_kernels, KERNEL_UNMEASURED),
        *untimed(measured),
    ]
    return _section("Speed, measured apart", answers)


def _measured(
    builders: tuple[SpeedBuilder, ...], measured: Measurements, present: bool, otherwise: Missing
) -> list[Figure | Missing]:
    return [builder(measured) for builder in builders] if present else [otherwise]


def _section(title: str, answers: list[Figure | Missing]) -> Section:
    return Section(
        title,
        tuple(answer for answer in answers if isinstance(answer, Figure)),
        tuple(answer for answer in answers if isinstance(answer, Missing)),
    )


def _answers(builder: Builder, study: Study) -> list[Figure | Missing]:
    """One answer, or one for each regularised family when there are several."""
    families = study.families[:MOST_FAMILIES]
    if len(families) < 2 or builder in ONCE:
        return [builder(study)]
    answers: list[Figure | Missing] = []
    for position, family in enumerate(families):
        answer = builder(study.of_family(family))
        title = f"{answer.title} ({wording.family(family)})"
        if isinstance(answer, Figure):
            slug = answer.slug if position == 0 else f"{answer.slug}-{position + 1}"
            answers.append(replace(answer, title=title, slug=slug))
        else:
            answers.append(replace(answer, title=title))
    return answers
