"""What the timings say: medians with spread, how cost grows, what a VAE costs over an AE.

Pure functions of a tidy frame, one row a repeat; knows no model and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bench.measure.throughput_timing import Memory, Timing

SUBJECT = [
    "study",
    "device",
    "dtype",
    "engine",
    "objective",
    "latent_dim",
    "batch_size",
    "cohort_size",
    "phase",
]
"""Columns that name what was timed."""

CONFIDENCE = 0.95


def frame(timings: Iterable[Timing], memories: Iterable[Memory]) -> pd.DataFrame:
    """One row a repeat: the subject, seconds a call, images a second, memory, and the reason where
    there is no time.
    """
    memory = {m.case: (m.peak_memory_bytes, m.baseline_memory_bytes) for m in memories}
    rows: list[dict[str, Any]] = []
    for timing in timings:
        case, run = timing.case, timing.case.run
        peak, baseline = memory.get(case, (None, None))
        rows.append(
            {
                "study": case.study,
                "device": run.device,
                "dtype": run.dtype,
                "engine": case.engine,
                "objective": run.objective,
                "latent_dim": run.latent_dim,
                "batch_size": run.batch_size,
                "cohort_size": case.cohort_size,
                "phase": case.phase,
                "repeat": timing.repeat,
                "calls": timing.calls,
                "seconds": timing.seconds,
                "cpu_seconds": timing.cpu_seconds,
                "samples_per_s": timing.seconds and case.images_per_call / timing.seconds,
                "peak_memory_bytes": peak,
                "baseline_memory_bytes": baseline,
                "reason": timing.reason,
            }
        )
    whole = dict.fromkeys(
        ("repeat", "calls", "peak_memory_bytes", "baseline_memory_bytes"), "Int64"
    )
    real = dict.fromkeys(("seconds", "cpu_seconds", "samples_per_s"), "float64")
    return pd.DataFrame(rows).astype({**whole, **real, "reason": "string"})


def medians(timed: pd.DataFrame) -> pd.DataFrame:
    """One row a subject: median and quartiles of ``samples_per_s``, median ``seconds``, memory."""
    return (
        timed.dropna(subset=["seconds"])
        .groupby(SUBJECT, sort=False)
        .agg(
            samples_per_s=("samples_per_s", "median"),
            samples_per_s_q1=("samples_per_s", lambda values: values.quantile(0.25)),
            samples_per_s_q3=("samples_per_s", lambda values: values.quantile(0.75)),
            seconds=("seconds", "median"),
            peak_memory_bytes=("peak_memory_bytes", "max"),
            baseline_memory_bytes=("baseline_memory_bytes", "max"),
        )
        .reset_index()
    )


def scaling(timed: pd.DataFrame, axis: str) -> pd.DataFrame:
    """How the cost of a call grows along ``axis``: seconds ∝ axis^exponent.

    The exponent is the least-squares slope in logarithms over the subjects' medians, with the
    half-width of its 95 % interval; at least three sizes are needed for one.
    """
    others = [column for column in SUBJECT if column != axis]
    rows = []
    for subject, part in medians(timed).groupby(others, sort=False):
        if part[axis].nunique() < 3:
            continue
        fit = stats.linregress(np.log(part[axis]), np.log(part["seconds"]))
        half_width = fit.stderr * stats.t.ppf(0.5 + CONFIDENCE / 2, len(part) - 2)
        sizes = f"{part[axis].min()}–{part[axis].max()}"
        rows.append((*subject, sizes, fit.slope, half_width))
    return pd.DataFrame(rows, columns=[*others, axis, "exponent", "half_width"])


def vae_over_ae(timed: pd.DataFrame) -> pd.DataFrame:
    """Time of a VAE over that of an AE, paired repeat by repeat: ``ratio`` with its 95 % interval.

    The geometric mean over repeats; the interval is Student's on the logarithms.
    """
    others = [column for column in SUBJECT if column != "objective"]
    rows = []
    for subject, part in timed.dropna(subset=["seconds"]).groupby(others, sort=False):
        pairs = part.pivot_table(index="repeat", columns="objective", values="seconds")
        if not {"ae", "vae"} <= set(pairs.columns):
            continue
        logs = np.log((pairs["vae"] / pairs["ae"]).dropna().to_numpy(float))
        if len(logs) < 2:
            continue
        half = stats.sem(logs) * stats.t.ppf(0.5 + CONFIDENCE / 2, len(logs) - 1)
        mean = logs.mean()
        rows.append((*subject, *np.exp([mean, mean - half, mean + half])))
    return pd.DataFrame(rows, columns=[*others, "ratio", "ratio_low", "ratio_high"])
