"""Tables for readers: types that hold, values that agree with the store, old files that survive."""

import errno

import pandas as pd
import pytest
from pyarrow import parquet

from bench.results import COLUMNS, RunRecord, Store, SweepDirectoryError, ThroughputRecord, exports
from bench.results.exports import export


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results.sqlite") as store:
        yield store


def speed(phase, batch_size, repeat, samples_per_s):
    return ThroughputRecord(
        objective="vae",
        latent_dim=2,
        device="cpu",
        phase=phase,
        batch_size=batch_size,
        repeat=repeat,
        samples_per_s=samples_per_s,
    )


def test_types_are_those_of_the_column_table_even_when_all_is_null(store, tmp_path, runs):
    store.add(RunRecord(config=run, status="skipped", reason="no device") for run in runs)
    export(store, tmp_path)
    schema = parquet.read_schema(tmp_path / "results.parquet")
    assert schema.names == [column.name for column in COLUMNS]
    assert [str(field.type) for field in schema] == [
        {"text": "string", "int": "int64", "float": "double"}[column.kind] for column in COLUMNS
    ]
    assert schema.field("test_rate_nats").metadata == {b"unit": b"nats"}


def test_an_empty_store_gives_tables_with_columns_and_no_rows(store, tmp_path):
    export(store, tmp_path)
    results = pd.read_parquet(tmp_path / "results.parquet")
    assert list(results.columns) == [column.name for column in COLUMNS]
    assert len(results) == 0
    assert list(pd.read_parquet(tmp_path / "curves.parquet").columns) == [
        "run_id", "epoch", "loss", "squared_error", "rate_nats"
    ]  # fmt: skip
    assert list(pd.read_parquet(tmp_path / "throughput.parquet").columns) == [
        "objective", "latent_dim", "device", "phase", "batch_size", "repeat", "samples_per_s"
    ]  # fmt: skip
    assert len(pd.read_csv(tmp_path / "results.csv")) == 0


def test_values_are_those_of_the_records(store, tmp_path, runs, finished, monkeypatch):
    monkeypatch.setattr("bench.results.store.BATCH_ROWS", 3)
    records = [finished(run, test_mse=0.1 * i, active_units=i) for i, run in enumerate(runs)]
    store.add(records)
    export(store, tmp_path)
    for table in (
        pd.read_parquet(tmp_path / "results.parquet"),
        pd.read_csv(tmp_path / "results.csv"),
    ):
        by_id = table.set_index("run_id")
        for record in records:
            row = record.row()
            assert by_id.loc[record.run_id, "test_mse"] == row["test_mse"]
            assert by_id.loc[record.run_id, "active_units"] == row["active_units"]
            assert by_id.loc[record.run_id, "latent_dim"] == row["latent_dim"]
        assert table["kl_weight"].isna().equals(table["objective"] == "ae")
        assert table["reason"].isna().all()
    curves = pd.read_parquet(tmp_path / "curves.parquet")
    assert len(curves) == 2 * len(runs)
    assert sorted(curves["epoch"].unique()) == [1, 2]


def test_speeds_are_medians_at_the_batch_size_or_the_largest(store, tmp_path, runs, finished):
    train = [speed("train", 128, i, s) for i, s in enumerate([10.0, 30.0, 20.0])]
    other_batch = [speed("train", 256, 0, 99.0)]
    encode = [speed("encode", 32, 0, 5.0), speed("encode", 512, 0, 7.0)]
    store.add_throughput(train + other_batch + encode)
    store.add([finished(run) for run in runs if run.device == "cpu"])
    export(store, tmp_path)
    table = pd.read_parquet(tmp_path / "results.parquet")
    measured = (table["objective"] == "vae") & (table["latent_dim"] == 2)
    assert set(table.loc[measured, "train_samples_per_s"]) == {20.0}
    assert set(table.loc[measured, "encode_samples_per_s"]) == {7.0}
    assert table.loc[measured, "decode_samples_per_s"].isna().all()
    assert table.loc[~measured, "train_samples_per_s"].isna().all()


def test_a_run_that_is_not_ok_has_no_speed(store, tmp_path, runs):
    store.add_throughput([speed("train", 128, 0, 10.0)])
    store.add(RunRecord(config=run, status="failed", reason="a") for run in runs)
    export(store, tmp_path)
    table = pd.read_parquet(tmp_path / "results.parquet")
    assert table["train_samples_per_s"].isna().all()


def test_a_full_disk_leaves_the_old_tables(store, tmp_path, runs, finished, monkeypatch):
    store.add([finished(runs[0])])
    export(store, tmp_path)
    before = {f.name: f.read_bytes() for f in tmp_path.glob("*.[pc]*")}
    store.add([finished(runs[1])])

    def full(rows, schema):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exports, "_record_batch", full)
    with pytest.raises(SweepDirectoryError, match="cannot be written: no space left on device"):
        export(store, tmp_path)
    assert {f.name: f.read_bytes() for f in tmp_path.glob("*.[pc]*")} == before
    assert not list(tmp_path.glob(".*.tmp"))
