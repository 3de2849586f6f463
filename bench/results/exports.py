"""Tables for readers: ``results.parquet`` and ``.csv``, ``curves.parquet``, ``throughput.parquet``.

Types come from the column table, never from the values, so a column that is null in every row
has the same type as one that is not. Written in batches: memory does not grow with the sweep.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from pathlib import Path
from statistics import median

import pyarrow as pa
from pyarrow import csv, parquet

from bench.results.columns import COLUMNS, Kind, Value
from bench.results.files import replaced, writing
from bench.results.records import ThroughputRecord
from bench.results.store import Store, StoredRun

__all__ = ["export", "runs_with_speeds"]

_TYPES: dict[Kind, pa.DataType] = {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}

RESULTS_SCHEMA = pa.schema(
    [
        pa.field(
            column.name,
            _TYPES[column.kind],
            metadata=None if column.unit is None else {"unit": column.unit},
        )
        for column in COLUMNS
    ]
)
CURVES_SCHEMA = pa.schema(
    [
        pa.field("run_id", pa.string()),
        pa.field("epoch", pa.int64()),
        pa.field("loss", pa.float64()),
        pa.field("squared_error", pa.float64()),
        pa.field("rate_nats", pa.float64(), metadata={"unit": "nats"}),
    ]
)
THROUGHPUT_SCHEMA = pa.schema(
    [
        pa.field("objective", pa.string()),
        pa.field("latent_dim", pa.int64()),
        pa.field("device", pa.string()),
        pa.field("phase", pa.string()),
        pa.field("batch_size", pa.int64()),
        pa.field("repeat", pa.int64()),
        pa.field("samples_per_s", pa.float64(), metadata={"unit": "samples/s"}),
    ]
)

Rows = list[tuple[Value, ...]]
Speeds = dict[tuple[str, int, str], dict[str, dict[int, float]]]


def export(store: Store, folder: Path) -> None:
    """Write the four tables of a store into ``folder``, each atomically.

    A run's ``train_``, ``encode_`` and ``decode_samples_per_s`` are measured apart from the
    sweep; where its record has none they are the median over the repeats for its objective,
    latent dimension and device, at its batch size or else the largest one measured.

    Raises
    ------
    SweepDirectoryError
        If the disk is full or the folder cannot be written.
    """
    throughput = store.throughput()
    with writing(folder):
        _write_results(folder, store, _median_speeds(throughput))
        _write_parquet(folder / "curves.parquet", CURVES_SCHEMA, store.curves())
        timed = [astuple(record) for record in throughput]
        _write_parquet(folder / "throughput.parquet", THROUGHPUT_SCHEMA, iter([timed]))


def runs_with_speeds(store: Store) -> Iterator[StoredRun]:
    """All runs of a store with their curves and, as in the tables, the speeds measured apart."""
    speeds = _median_speeds(store.throughput())
    for run in store.stored():
        yield replace(run, row=_with_speeds(run.row, speeds))


def _write_results(folder: Path, store: Store, speeds: Speeds) -> None:
    with (
        replaced(folder / "results.parquet") as binary,
        replaced(folder / "results.csv") as text,
        parquet.ParquetWriter(binary, RESULTS_SCHEMA) as parquet_writer,
        csv.CSVWriter(text, RESULTS_SCHEMA) as csv_writer,
    ):
        for rows in store.rows():
            batch = _record_batch([_with_speeds(row, speeds) for row in rows], RESULTS_SCHEMA)
            parquet_writer.write_batch(batch)
            csv_writer.write_batch(batch)


def _write_parquet(path: Path, schema: pa.Schema, batches: Iterator[Rows]) -> None:
    with replaced(path) as beside, parquet.ParquetWriter(beside, schema) as writer:
        for rows in batches:
            writer.write_batch(_record_batch(rows, schema))


def _record_batch(rows: Rows, schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _median_speeds(throughput: Iterable[ThroughputRecord]) -> Speeds:
    """Median samples per second by (objective, latent_dim, device), phase and batch size."""
    repeats: dict[tuple[str, int, str], dict[str, dict[int, list[float]]]] = {}
    for record in throughput:
        subject = repeats.setdefault((record.objective, record.latent_dim, record.device), {})
        by_batch = subject.setdefault(record.phase, {})
        by_batch.setdefault(record.batch_size, []).append(record.samples_per_s)
    return {
        subject: {
            phase: {batch_size: median(values) for batch_size, values in by_batch.items()}
            for phase, by_batch in phases.items()
        }
        for subject, phases in repeats.items()
    }


_POSITION = {column.name: position for position, column in enumerate(COLUMNS)}


def _with_speeds(row: tuple[Value, ...], speeds: Speeds) -> tuple[Value, ...]:
    objective, latent_dim, device, batch_size, status = (
        row[_POSITION[name]]
        for name in ("objective", "latent_dim", "device", "batch_size", "status")
    )
    phases = speeds.get((str(objective), int(latent_dim or 0), str(device)))
    if phases is None or status != "ok":
        return row
    filled = list(row)
    for phase, by_batch in phases.items():
        position = _POSITION[f"{phase}_samples_per_s"]
        if filled[position] is None:
            filled[position] = by_batch.get(int(batch_size or 0), by_batch[max(by_batch)])
    return tuple(filled)
