"""The store of a sweep: one SQLite file, one transaction a cohort.

A record that ``add`` has returned from is on disk, whatever then happens to the process. The
file is in WAL mode with ``synchronous=FULL``: a commit costs a fraction of a millisecond and a
cohort seconds. One process writes (``SweepDirectory`` holds the lock); any number read.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Self

from bench.plan.grid import RunConfig
from bench.results.columns import Value
from bench.results.connection import connect, damaged, one_line_errors
from bench.results.errors import StoreError
from bench.results.records import RunRecord, ThroughputRecord
from bench.results.schema import NAMES, check_whole, create, present_columns, refusal

__all__ = ["CURVES", "Store", "StoredRun"]

BATCH_ROWS = 10_000

# What finished is never replaced; a skipped run by any result, a failed one by a later attempt.
_UPSERT = f"""
    INSERT INTO runs ({", ".join(NAMES)}, config)
    VALUES ({", ".join("?" * (len(NAMES) + 1))})
    ON CONFLICT (run_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in [*NAMES, "config"])}
    WHERE runs.status = 'skipped' OR (runs.status = 'failed' AND excluded.status <> 'skipped')
"""  # noqa: S608 - column names come from our own table
CURVES = "SELECT epoch, loss, squared_error, rate_nats FROM curves WHERE run_id = ? ORDER BY epoch"
_ORDER = "device, latent_dim, objective, kl_weight, recon_weight, seed, run_id"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it lies in a store.

    ``row`` has the values of ``COLUMNS`` in order, ``config`` is its configuration as canonical
    JSON, ``curves`` has a row of (epoch, loss, squared_error, rate_nats) an epoch.
    """

    row: tuple[Value, ...]
    config: str
    curves: Sequence[tuple[Value, ...]]

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """The run of a record."""
        curves = record.curves.rows() if record.curves is not None else []
        return cls(tuple(record.row().values()), record.config.canonical_json(), curves)

    def value(self, name: str) -> Value:
        """The value of a column."""
        return self.row[NAMES.index(name)]


class Store:
    """The records of one sweep.

    Parameters
    ----------
    path
        The SQLite file; created if it does not exist, unless ``read_only``.
    read_only
        Open for reading beside a running sweep, or on a medium that cannot be written.

    Raises
    ------
    DamagedStoreError
        If the file is damaged, or no SQLite file. It is left as it is.
    StoreError
        If it is no store, has another schema version, or cannot be opened. It is left as it is.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        with one_line_errors(path):
            self._connection = connect(path, read_only=read_only)
            try:
                self._prepare(read_only=read_only)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the store cannot be used any more."""
        self._connection.close()

    def add(self, records: Iterable[RunRecord]) -> int:
        """Commit records and their curves in one transaction.

        A run that is already ok stays as it is, so a cohort done twice counts once.

        Returns
        -------
        int
            How many of the records were taken.
        """
        return self.restore(map(StoredRun.of, records))

    def restore(self, runs: Iterable[StoredRun]) -> int:
        """Commit runs that were stored before, in one transaction, by the rule of ``add``."""
        taken = 0
        with self._transaction() as connection:
            for run in runs:
                if connection.execute(_UPSERT, [*run.row, run.config]).rowcount:
                    taken += 1
                    self._replace_curves(run)
        return taken

    def add_throughput(self, records: Iterable[ThroughputRecord]) -> None:
        """Commit timed repeats in one transaction; a repeat measured again replaces the old one."""
        rows = [astuple(record) for record in records]
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO throughput VALUES (?, ?, ?, ?, ?, ?, ?)", rows
            )

    def statuses(self) -> dict[str, str]:
        """Status of every stored run by its id."""
        return dict(self._query("SELECT run_id, status FROM runs"))

    def pending(self, runs: Sequence[RunConfig], *, retry_failed: bool = False) -> list[RunConfig]:
        """The runs that are still to do, in the order given.

        A skipped run is still to do; a failed one only with ``retry_failed``, because the same
        configuration would fail again.
        """
        done = {"ok"} if retry_failed else {"ok", "failed"}
        statuses = self.statuses()
        return [run for run in runs if statuses.get(run.run_id) not in done]

    def check_data(self, data_hash: str) -> None:
        """Refuse to mix runs on different data.

        Raises
        ------
        StoreError
            If the store holds runs on data with another content hash.
        """
        for (stored,) in self._query("SELECT DISTINCT data_hash FROM runs"):
            if stored != data_hash:
                raise StoreError(
                    f"{self.path}: holds runs on other data (content hash {stored[:12]}…, "
                    f"the data now have {data_hash[:12]}…); bring the old data back, or use "
                    "another --out"
                )

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of runs by device, then by status."""
        counts: dict[str, dict[str, int]] = {}
        query = "SELECT device, status, count(*) FROM runs GROUP BY device, status ORDER BY 1, 2"
        for device, status, number in self._query(query):
            counts.setdefault(device, {})[status] = number
        return counts

    def reasons(self, status: str) -> dict[str, int]:
        """Reasons of the runs with a status, commonest first, and how many runs gave each."""
        query = (
            "SELECT reason, count(*) FROM runs WHERE status = ? GROUP BY reason ORDER BY 2 DESC, 1"
        )
        return dict(self._query(query, (status,)))

    def rows(self) -> Iterator[list[tuple[Value, ...]]]:
        """All runs in batches of rows, columns as in ``COLUMNS``; order does not depend on time."""
        return self._batches(f"SELECT {self._columns} FROM runs ORDER BY {_ORDER}")  # noqa: S608

    def stored(self) -> Iterator[StoredRun]:
        """All runs as they lie here, to put them into another store."""
        for batch in self._batches(f"SELECT {self._columns}, config FROM runs"):  # noqa: S608
            for *row, config in batch:
                curves = self._query(CURVES, (row[0],))
                yield StoredRun(tuple(row), str(config), curves)

    def curves(self) -> Iterator[list[tuple[Value, ...]]]:
        """All curves in batches of (run_id, epoch, loss, squared_error, rate_nats)."""
        return self._batches("SELECT * FROM curves ORDER BY run_id, epoch")

    def throughput(self) -> list[ThroughputRecord]:
        """All timed repeats."""
        names = list(ThroughputRecord.__dataclass_fields__)
        query = f"SELECT {', '.join(names)} FROM throughput ORDER BY 3, 2, 1, 4, 5, 6"  # noqa: S608
        return [
            ThroughputRecord(**dict(zip(names, row, strict=True))) for row in self._query(query)
        ]

    def check_whole(self) -> None:
        """Check every page of the file, which opening does only where it is small.

        Raises
        ------
        DamagedStoreError
            If a page is not as it must be.
        """
        with one_line_errors(self.path):
            check_whole(self._connection, damaged(self.path))

    def _prepare(self, *, read_only: bool) -> None:
        """Check what is there before anything is written; create what is missing."""
        connection = self._connection
        check_whole(connection, damaged(self.path), size=self.path.stat().st_size)
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if read_only and not tables:
            raise StoreError(f"{self.path}: holds nothing yet; the sweep had no time to begin")
        if tables and (refused := refusal(connection, str(self.path))):
            raise refused
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                create(connection)
        connection.execute("PRAGMA synchronous = FULL")
        present = present_columns(connection)  # read-only, an older store keeps what it lacks
        self._columns = ", ".join(name if name in present else f"NULL AS {name}" for name in NAMES)

    def _replace_curves(self, run: StoredRun) -> None:
        run_id = run.value("run_id")
        self._connection.execute("DELETE FROM curves WHERE run_id = ?", (run_id,))
        self._connection.executemany(
            "INSERT INTO curves VALUES (?, ?, ?, ?, ?)", [(run_id, *row) for row in run.curves]
        )

    def _query(self, query: str, parameters: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
        with one_line_errors(self.path):
            return self._connection.execute(query, parameters).fetchall()

    def _batches(self, query: str) -> Iterator[list[tuple[Value, ...]]]:
        with one_line_errors(self.path):
            cursor = self._connection.execute(query)
            while batch := cursor.fetchmany(BATCH_ROWS):
                yield batch

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with one_line_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
