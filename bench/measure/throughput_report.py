"""The throughput measurement from specification to files: time, ask for memory, write, print.

``throughput_benchmark.parquet`` has one row a repeat and carries the machine's description in its
metadata; the same description is ``throughput_environment.json``. ``throughput_summary.csv``,
``throughput_scaling.csv`` and ``throughput_vae_over_ae.csv`` are the tables that are printed. The
folder may be a sweep directory, whose own files have other names; the report reads them there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from bench.console import table
from bench.measure.reference import load_reference
from bench.measure.throughput import one_run_of_each
from bench.measure.throughput_cases import cases, check_engines, why_not
from bench.measure.throughput_summary import frame, medians, scaling, vae_over_ae
from bench.measure.throughput_timing import Memory, Timing, measure_memory, time_in_turn
from bench.plan import SweepSpec, check_against_data, expand
from bench.results.files import replaced, writing
from bench.results.provenance import collect_environment

METADATA_KEY = b"vaebench_environment"


def run_throughput(
    spec: SweepSpec,
    out: Path,
    *,
    engines: Sequence[str],
    repeats: int,
    memory: bool,
    command: str,
    say: Callable[[str], None],
) -> str:
    """Measure the runs of a specification, write the results into ``out``, return what to print.

    Parameters
    ----------
    spec
        Its objectives, latent dimensions, devices, dtypes, networks and batch size are what is
        timed.
    engines
        Which of eager, compiled and fused; one that cannot run gives rows with the reason.
    memory
        Whether the peak memory of every cohort size is found, each in a process of its own.
    say
        Called with one line a study.

    Raises
    ------
    SpecError, DataError, ArchitectureError, StackingError, BackendError
        When the request is wrong.
    SweepDirectoryError
        When ``out`` cannot be written.
    """
    started_at, clock = datetime.now(UTC), time.perf_counter()
    chosen = check_engines(engines)
    dataset = load_reference(spec.data, spec.metrics).dataset
    train_size = len(dataset.train_images)
    check_against_data(spec, train_size)
    runs = list(expand(spec, dataset.content_hash))
    runs = [
        run
        for dtype in spec.sweep.dtype
        for run in one_run_of_each(run for run in runs if run.dtype == dtype)
    ]
    timings: list[Timing] = []
    memories: list[Memory] = []
    for group in cases(runs, chosen, train_size=train_size):
        study = group[0].study
        say(f"{group[0].run.device}: {len(group)} cases against {study}")
        timings += time_in_turn(group, dataset, repeats=repeats)
        if memory and study == "cohort":
            say(f"{group[0].run.device}: peak memory against {study}")
            memories += [
                measure_memory(case, spec.data, spec.metrics)
                for case in group
                if why_not(case) is None
            ]
    timed = frame(timings, memories)
    environment = collect_environment(
        command=command, started_at=started_at, wall_seconds=time.perf_counter() - clock
    )
    tables = {
        "summary": medians(timed),
        "scaling": pd.concat([_scaling(timed, study, axis) for study, axis in _AXES.items()]),
        "vae_over_ae": vae_over_ae(timed),
    }
    _write(out, timed, tables, environment)
    return _text(timed, tables)


_AXES = {"latent": "latent_dim", "batch": "batch_size", "cohort": "cohort_size"}


def _scaling(timed: pd.DataFrame, study: str, axis: str) -> pd.DataFrame:
    fitted = scaling(timed[timed["study"] == study], axis)
    return fitted[["study", "device", "dtype", "engine", "objective", "phase"]].assign(
        axis=axis, sizes=fitted[axis], exponent=fitted["exponent"], half_width=fitted["half_width"]
    )


def _write(
    out: Path,
    timed: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    environment: Mapping[str, str | float | None],
) -> None:
    described = json.dumps(environment)
    rows = pa.Table.from_pandas(timed, preserve_index=False)
    rows = rows.replace_schema_metadata({**rows.schema.metadata, METADATA_KEY: described})
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        with replaced(out / "throughput_benchmark.parquet") as beside:
            parquet.write_table(rows, beside)
        with replaced(out / "throughput_environment.json") as beside:
            beside.write_text(described + "\n", encoding="utf-8")
        for name, content in tables.items():
            with replaced(out / f"throughput_{name}.csv") as beside:
                content.to_csv(beside, index=False)


def _text(timed: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> str:
    summary, ratios = tables["summary"], tables["vae_over_ae"]
    blocks = [
        "Images a second: median, first and third quartile",
        _table(
            summary.assign(
                samples_per_s=summary["samples_per_s"].map("{:,.0f}".format),
                quartiles=summary["samples_per_s_q1"].map("{:,.0f}".format)
                + "–"
                + summary["samples_per_s_q3"].map("{:,.0f}".format),
                ms=(1e3 * summary["seconds"]).map("{:.3f}".format),
                peak_MiB=(summary["peak_memory_bytes"] / 2**20).map("{:.0f}".format, "ignore"),
            ).drop(
                columns=[
                    "samples_per_s_q1",
                    "samples_per_s_q3",
                    "seconds",
                    "peak_memory_bytes",
                    "baseline_memory_bytes",
                ]
            )
        ),
        "Seconds a call grow as size^exponent (± half-width of the 95 % interval)",
        _table(tables["scaling"].round({"exponent": 3, "half_width": 3})),
        "Time of a VAE over an AE, paired, with its 95 % interval",
        _table(ratios.round({"ratio": 3, "ratio_low": 3, "ratio_high": 3})),
    ]
    skipped = timed.dropna(subset=["reason"])[["device", "engine", "reason"]].value_counts()
    lines = [
        f"skipped: {row.count} cases, {row.engine} on {row.device} ({row.reason})"
        for row in skipped.reset_index().itertuples()
    ]
    return "\n\n".join([*blocks, *lines])


def _table(content: pd.DataFrame) -> str:
    if content.empty:
        return "none"
    shown = content.astype(object).where(content.notna(), "")
    return table(list(shown.columns), shown.to_numpy().tolist())
