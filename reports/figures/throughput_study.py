"""Images a second against latent dimension and against batch size, a panel a phase."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import legend_below, set_log_values, set_size_axis
from reports.figures.figure import Figure, Missing
from reports.figures.subjects import SUBJECT, draw_subjects, held, keep_most, name_subjects
from reports.measurements import machine
from reports.style import FULL_WIDTH_INCHES

if TYPE_CHECKING:
    import pandas as pd

    from reports.measurements import Measurements
    from reports.style import Theme

PHASES = ("train", "encode", "decode", "sample")
QUARTILES = ("samples_per_s_q1", "samples_per_s_q3")


@dataclass(frozen=True, slots=True)
class Question:
    """What one study of the throughput measurement asks: its sizes, and what stays as it is."""

    slug: str
    title: str
    study: str
    size: str
    size_name: str
    fixed: str
    fixed_name: str


LATENT = Question(
    slug="throughput-latent",
    title="What does a larger latent space cost in speed?",
    study="latent",
    size="latent_dim",
    size_name="latent dimension",
    fixed="batch_size",
    fixed_name="batch",
)
BATCH = Question(
    slug="throughput-batch",
    title="What does a larger batch gain in speed?",
    study="batch",
    size="batch_size",
    size_name="batch size",
    fixed="latent_dim",
    fixed_name="latent dimension",
)


def throughput_by_latent(measured: Measurements) -> Figure | Missing:
    """Images a second over latent dimension."""
    return _answer(measured, LATENT)


def throughput_by_batch(measured: Measurements) -> Figure | Missing:
    """Images a second over batch size."""
    return _answer(measured, BATCH)


def untimed(measured: Measurements) -> list[Missing]:
    """Say what could not be timed and why, an answer an engine and device."""
    reasons = measured.repeats.loc[measured.repeats["reason"] != "", ["engine", "device", "reason"]]
    return [
        Missing(f"How fast is the {engine} engine on {device}?", reason)
        for engine, device, reason in reasons.drop_duplicates().itertuples(index=False)
    ]


def _answer(measured: Measurements, question: Question) -> Figure | Missing:
    timed = measured.throughput
    timed = timed[(timed["study"] == question.study) & timed["phase"].isin(PHASES)]
    if timed.empty:
        return Missing(question.title, "no case of this study could be timed")
    timed = name_subjects(timed.sort_values(question.size, kind="stable"))
    data, left_out = keep_most(timed)
    fixed = ", ".join(f"{value:g}" for value in sorted(data[question.fixed].dropna().unique()))
    return Figure(
        slug=question.slug,
        title=question.title,
        finding=_finding(data, question),
        note=f"One model alone, {question.fixed_name} {fixed}. Medians of "
        f"{wording.plural(measured.repeat_count, 'repeat')} that take turns, quartiles as bars."
        f"{held(data)} On {machine(measured.throughput_environment)}.{left_out}",
        alt=f"Line charts of images a second over {question.size_name}, one panel a phase.",
        data=data[
            ["subject", *SUBJECT, "phase", "latent_dim", "batch_size", "samples_per_s", *QUARTILES]
        ],
        draw=partial(_draw, data=data, question=question),
        wide=True,
    )


def _finding(data: pd.DataFrame, question: Question) -> str:
    """How training speed changes from the smallest size to the largest, or what it is at one."""
    phase = "train" if (data["phase"] == "train").any() else str(data["phase"].iloc[0])
    rows = data[data["phase"] == phase]
    small, large = rows[question.size].min(), rows[question.size].max()
    speeds = rows.pivot_table(
        index="subject", columns=question.size, values="samples_per_s", sort=False
    )
    if small == large:
        said = [f"{name} {wording.number(value)}" for name, value in speeds[small].head(4).items()]
        return f"Images a second, {phase}, at {question.size_name} {small:g}: {'; '.join(said)}."
    parts = [
        f"{name} {wording.number(ends[small])} to {wording.number(ends[large])} "
        f"({wording.number(ends[large] / ends[small], 2)}×)"
        for name, ends in speeds[[small, large]].dropna().head(4).iterrows()
    ]
    return (
        f"Images a second, {phase}, from {question.size_name} {small:g} to {large:g}: "
        f"{'; '.join(parts)}."
    )


def _draw(theme: Theme, data: pd.DataFrame, question: Question) -> Canvas:
    del theme
    phases = [phase for phase in PHASES if (data["phase"] == phase).any()]
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, 3.6), layout="constrained")
    panels = canvas.subplots(1, len(phases), squeeze=False, sharey=True)[0]
    sizes = sorted(data[question.size].unique().tolist())
    for ax, phase in zip(panels, phases, strict=True):
        draw_subjects(
            ax, data[data["phase"] == phase], question.size, "samples_per_s", spread=QUARTILES
        )
        ax.set_title(phase)
        set_size_axis(ax, sizes, question.size_name)
    set_log_values(panels[0])
    panels[0].set_ylabel("images a second")
    legend_below(canvas, 4)
    return canvas
