"""The store keeps what it said it kept, and refuses what is not its own."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bench.plan import SCHEMA_VERSION
from bench.results import (
    COLUMNS,
    Curves,
    RunRecord,
    Store,
    StoreError,
    ThroughputRecord,
    connection,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.sqlite"


def rows(store):
    names = [column.name for column in COLUMNS]
    return [dict(zip(names, row, strict=True)) for batch in store.rows() for row in batch]


def curves(store):
    return [row for batch in store.curves() for row in batch]


def failed(run, reason="loss is not finite at step 3"):
    return RunRecord(config=run, status="failed", reason=reason, values={"failed_step": 3})


def skipped(run):
    return RunRecord(config=run, status="skipped", reason="no CUDA device")


def timed(repeat, samples_per_s):
    return ThroughputRecord(
        objective="vae",
        latent_dim=2,
        device="cpu",
        phase="train",
        batch_size=128,
        repeat=repeat,
        samples_per_s=samples_per_s,
    )


def test_a_record_comes_back_as_it_was(path, runs, finished):
    record = finished(runs[0], test_mse=0.1, active_units=2, kernel_backend="reference")
    with Store(path) as store:
        assert store.add([record]) == 1
    with Store(path) as store:
        assert rows(store) == [record.row()]
        assert curves(store) == [
            (record.run_id, 1, 3.0, 2.5, None),
            (record.run_id, 2, 2.0, 1.75, None),
        ]


def test_a_nan_is_null(path, runs, finished):
    with Store(path) as store:
        store.add([finished(runs[0], test_mse=float("nan"))])
        assert rows(store)[0]["test_mse"] is None


def test_a_finished_run_is_never_replaced(path, runs, finished):
    with Store(path) as store:
        store.add([finished(runs[0], test_mse=0.1)])
        assert store.add([finished(runs[0], test_mse=0.2), failed(runs[0]), skipped(runs[0])]) == 0
        assert [row["test_mse"] for row in rows(store)] == [0.1]
        assert len(curves(store)) == 2


def test_a_skipped_run_gives_way_to_any_result(path, runs, finished):
    with Store(path) as store:
        store.add(map(skipped, runs[:2]))
        assert store.add([finished(runs[0]), failed(runs[1])]) == 2
        assert store.statuses() == {runs[0].run_id: "ok", runs[1].run_id: "failed"}


def test_a_failed_run_gives_way_to_a_later_attempt_but_not_to_a_skip(path, runs, finished):
    with Store(path) as store:
        store.add(map(failed, runs[:2]))
        assert store.add([finished(runs[0]), skipped(runs[1])]) == 1
        assert store.statuses() == {runs[0].run_id: "ok", runs[1].run_id: "failed"}
        assert {row[0] for row in curves(store)} == {runs[0].run_id}


def test_a_later_attempt_that_fails_early_leaves_no_old_curves(path, runs):
    with Store(path) as store:
        earlier = Curves((1.0,), (1.0,))
        store.add([RunRecord(config=runs[0], status="failed", reason="a", curves=earlier)])
        store.add([failed(runs[0])])
        assert curves(store) == []


def test_pending_runs_are_those_without_a_result(path, runs, finished):
    with Store(path) as store:
        store.add([finished(runs[0]), failed(runs[1]), skipped(runs[2])])
        assert store.pending(runs) == runs[2:]
        assert store.pending(runs, retry_failed=True) == runs[1:]


def test_rows_come_in_the_order_of_the_grid_whenever_they_were_added(path, runs, finished):
    with Store(path) as store:
        store.add(map(finished, runs[::-1]))
        assert [row["run_id"] for row in rows(store)] == [run.run_id for run in runs]


def test_counts_and_reasons(path, runs, finished):
    cpu = [run for run in runs if run.device == "cpu"]
    cuda = [run for run in runs if run.device == "cuda"]
    with Store(path) as store:
        store.add([finished(cpu[0]), failed(cpu[1], "a"), failed(cpu[2], "b"), failed(cpu[3], "b")])
        store.add(map(skipped, cuda))
        assert store.counts() == {"cpu": {"ok": 1, "failed": 3}, "cuda": {"skipped": len(cuda)}}
        assert list(store.reasons("failed").items()) == [("b", 2), ("a", 1)]


def test_a_repeat_measured_again_replaces_the_old_one(path):
    with Store(path) as store:
        store.add_throughput([timed(0, 10.0), timed(1, 11.0)])
        store.add_throughput([timed(1, 12.0)])
        assert store.throughput() == [timed(0, 10.0), timed(1, 12.0)]


def test_runs_on_other_data_are_not_mixed(path, runs, finished):
    with Store(path) as store:
        store.check_data("anything")
        store.add([finished(runs[0])])
        store.check_data("data-hash")
        with pytest.raises(StoreError, match=r"holds runs on other data \(content hash data-hash"):
            store.check_data("other")


def test_a_cohort_that_cannot_be_written_whole_is_not_written(path, runs, finished):
    with Store(path) as store:
        store.add([finished(runs[0])])

        def cohort():
            yield finished(runs[1])
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.add(cohort())
        assert list(store.statuses()) == [runs[0].run_id]
        store.add([finished(runs[2])])


def test_a_full_disk_is_one_line_and_loses_nothing(path, runs, finished):
    with Store(path) as store:
        store.add([finished(runs[0])])
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"results\.sqlite: the disk is full; free some space"):
            store.add([finished(run, metric_notes="x" * 5000) for run in runs[1:]])
        assert list(store.statuses()) == [runs[0].run_id]
        store._connection.execute("PRAGMA max_page_count = 100000")
        assert store.add(map(finished, runs[1:])) == len(runs) - 1


WRITER = """
import sys
from pathlib import Path
from bench.plan import expand, load_spec
from bench.results import Curves, RunRecord, Store
runs = expand(load_spec(None, [f"sweep.seed={[*range(200)]}"]), "h")
store = Store(Path(sys.argv[1]))
curves = Curves((1.0,) * 50, (1.0,) * 50)
todo = store.pending(runs)
for start in range(0, len(todo), 7):
    cohort = todo[start : start + 7]
    store.add(RunRecord(config=run, status="ok", curves=curves) for run in cohort)
    print(*[run.run_id for run in cohort], flush=True)
"""


def test_a_killed_writer_loses_no_record_it_had_committed(path):
    acknowledged = set()
    for lines in (1, 20, 3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(lines):
            acknowledged.update(writer.stdout.readline().split())
        writer.send_signal(signal.SIGKILL)
        acknowledged.update("".join(writer.stdout.readlines()).split())
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()
        with Store(path) as store:
            stored = store.statuses()
            assert acknowledged <= set(stored)
            assert len(stored) % 7 == 0
            assert len(curves(store)) == 50 * len(stored)
    assert len(acknowledged) >= 7 * 24


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def filled(path: Path, runs, finished) -> None:
    with Store(path) as store:
        store.add(finished(run, metric_notes="x" * 2000) for run in runs)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda data: data[: len(data) // 2], "is damaged and was left as it is"),
        (lambda data: data[:200], "is damaged and was left as it is"),
        (lambda data: data[:4096] + b"\xff" * 8192 + data[12288:], "is damaged and was left"),
        (lambda data: b"run_id,status\n" * 100, "is no SQLite file and was left as it is"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_store_is_refused_and_left_as_it_is(
    path, runs, finished, damage, line, read_only
):
    filled(path, runs, finished)
    path.write_bytes(damage(path.read_bytes()))
    before = digest(path)
    with pytest.raises(StoreError, match=rf"results\.sqlite: {line}"):
        Store(path, read_only=read_only)
    assert digest(path) == before


def test_another_schema_version_is_refused_and_left_as_it_is(path, runs, finished):
    filled(path, runs, finished)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = digest(path)
    with pytest.raises(StoreError, match=rf"has schema version {SCHEMA_VERSION + 1}, this program"):
        Store(path)
    assert digest(path) == before


def test_a_store_of_another_program_is_refused(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (a)")
    connection.close()
    with pytest.raises(StoreError, match="is no store of vaebench"):
        Store(path)


def test_a_store_whose_maker_was_killed_at_once_is_no_strangers(path, runs, finished):
    path.touch()
    with pytest.raises(StoreError, match=r"results\.sqlite: holds nothing yet"):
        Store(path, read_only=True)
    with Store(path) as store:
        assert store.add([finished(runs[0])]) == 1


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(StoreError, match=r"no/results\.sqlite: cannot be opened"):
        Store(tmp_path / "no" / "results.sqlite")


def test_a_second_writer_waits_no_longer_than_it_must(path, runs, finished, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    with Store(path) as first, Store(path) as second:
        busy = pytest.raises(StoreError, match="another process is writing to it")
        with first._transaction(), busy:
            second.add([finished(runs[0])])
        assert second.add([finished(runs[0])]) == 1


def test_reading_beside_a_writer_sees_what_is_committed(path, runs, finished):
    with Store(path) as writer:
        writer.add([finished(runs[0])])
        with Store(path, read_only=True) as reader:
            assert list(reader.statuses()) == [runs[0].run_id]
            with pytest.raises(StoreError, match="cannot be written"):
                reader.add([finished(runs[1])])


def test_reading_a_finished_store_leaves_nothing_beside_it(path, runs, finished):
    filled(path, runs, finished)
    with Store(path, read_only=True) as reader:
        assert len(reader.statuses()) == len(runs)
    assert [f.name for f in path.parent.iterdir()] == [path.name]
