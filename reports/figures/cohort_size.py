"""What one training step costs against the number of models that train together."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.figure import Figure as Canvas

from reports import wording
from reports.figures.axes import set_log_values, set_size_axis
from reports.figures.figure import Figure, Missing
from reports.figures.subjects import SUBJECT, draw_subjects, held, keep_most, name_subjects
from reports.measurements import machine
from reports.study import records
from reports.style import HALF_WIDTH_INCHES

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd

    from reports.measurements import Measurements
    from reports.style import Theme

TIME_TITLE = "What does a model cost when many train together?"
MEMORY_TITLE = "How much memory do many models take?"
SIZE = "cohort_size"
MEBIBYTE = 2**20
MS = "ms_per_model"
QUARTILES = ("ms_per_model_q1", "ms_per_model_q3")
MOST_NAMED = 4


def cohort_time(measured: Measurements) -> Figure | Missing:
    """Milliseconds a model and step over the number of models, with the scaling exponent."""
    data = _cohorts(measured)
    if data.empty:
        return Missing(TIME_TITLE, "no cohort could be timed")
    step_ms = {
        name: 1e3 * data["batch_size"] / data[speed]
        for name, speed in zip(
            (MS, *QUARTILES),
            ("samples_per_s", "samples_per_s_q3", "samples_per_s_q1"),
            strict=True,
        )
    }
    data, left_out = keep_most(data.assign(**step_ms))
    return Figure(
        slug="cohort-time",
        title=TIME_TITLE,
        finding=_time_finding(data),
        note="One training step, its time divided by the models in it; medians of "
        f"{wording.plural(measured.repeat_count, 'repeat')}, quartiles as bars. The exponent is "
        "that of a whole step's time in the number of models, fitted over all sizes, with its 95 % "
        f"interval: 1 is no gain from stacking.{held(data)} On "
        f"{machine(measured.throughput_environment)}.{left_out}",
        alt="Line chart of milliseconds a model and step over the number of stacked models.",
        data=data[["subject", *SUBJECT, SIZE, MS, *QUARTILES, "exponent", "half_width"]],
        draw=partial(_draw, data=data, value=MS, label="ms a model and step", spread=QUARTILES),
    )


def cohort_memory(measured: Measurements) -> Figure | Missing:
    """Peak memory over the number of models, beyond what the process needs without them."""
    data = _cohorts(measured)
    data = data.assign(
        mebibytes=(data["peak_memory_bytes"] - data["baseline_memory_bytes"]) / MEBIBYTE,
        baseline_mebibytes=data["baseline_memory_bytes"] / MEBIBYTE,
    ).dropna(subset=["mebibytes"])
    data = data[data["mebibytes"] > 0]
    if data.empty:
        return Missing(MEMORY_TITLE, "peak memory was not measured")
    data, left_out = keep_most(data)
    return Figure(
        slug="cohort-memory",
        title=MEMORY_TITLE,
        finding=_memory_finding(data),
        note="Peak while training, each size in a process of its own, less what the process held "
        "before there were models: the resident set on a CPU, where the first model also brings "
        f"what PyTorch loads for it, the allocator's bytes on a GPU.{held(data)}{left_out}",
        alt="Line chart of peak memory over the number of stacked models.",
        data=data[["subject", *SUBJECT, SIZE, "mebibytes", "baseline_mebibytes"]],
        draw=partial(_draw, data=data, value="mebibytes", label="peak memory of the models [MiB]"),
    )


def _cohorts(measured: Measurements) -> pd.DataFrame:
    """Rows of the cohort study by size, with their exponents."""
    timed = measured.throughput[measured.throughput["study"] == "cohort"]
    fitted = measured.scaling[measured.scaling["study"] == "cohort"]
    found = timed.merge(fitted[[*SUBJECT, "exponent", "half_width"]], on=SUBJECT, how="left")
    return name_subjects(found.sort_values(SIZE, kind="stable"))


def _ends(data: pd.DataFrame) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Smallest and largest cohort of the first subjects."""
    groups = list(data.groupby("subject", sort=False))[:MOST_NAMED]
    return [(str(name), records(rows)[0], records(rows)[-1]) for name, rows in groups]


def _time_finding(data: pd.DataFrame) -> str:
    parts = []
    for name, small, large in _ends(data):
        few = "alone" if small[SIZE] == 1 else f"among {small[SIZE]:g}"
        part = (
            f"{name}: {wording.number(large[MS], 2)} ms a model and step among {large[SIZE]:g}, "
            f"{wording.number(small[MS], 2)} {few}"
        )
        if math.isfinite(large["exponent"]):
            part += f", exponent {large['exponent']:.2f} ± {large['half_width']:.2f}"
        parts.append(part)
    return f"{'; '.join(parts)}."


def _memory_finding(data: pd.DataFrame) -> str:
    parts = []
    for name, small, large in _ends(data):
        part = f"{name}: {large[SIZE]:g} models take {wording.number(large['mebibytes'])} MiB"
        if large[SIZE] > small[SIZE]:
            more = (large["mebibytes"] - small["mebibytes"]) / (large[SIZE] - small[SIZE])
            part += f", {wording.number(more, 2)} for each beyond {small[SIZE]:g}"
        parts.append(part)
    baseline = data["baseline_mebibytes"].median()
    return f"{'; '.join(parts)}. The process without them held {wording.number(baseline)} MiB."


def _draw(
    theme: Theme,
    data: pd.DataFrame,
    value: str,
    label: str,
    spread: tuple[str, str] | None = None,
) -> Canvas:
    del theme
    canvas = Canvas(figsize=(HALF_WIDTH_INCHES, 3.8), layout="constrained")
    ax = canvas.subplots()
    draw_subjects(ax, data, SIZE, value, spread)
    set_size_axis(ax, sorted(data[SIZE].unique().tolist()), "models trained together")
    set_log_values(ax)
    ax.set_ylabel(label)
    canvas.legend(loc="outside lower center", ncols=2)
    return canvas
