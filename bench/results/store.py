"""The store of a sweep: one SQLite file, one transaction a cohort.

A record that ``add`` has returned from is on disk, whatever then happens to the process. The
file is in WAL mode with ``synchronous=FULL``: a commit costs a fraction of a millisecond and a
cohort seconds. One process writes (``SweepDirectory`` holds the lock); any number read.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from bench.plan.grid import SCHEMA_VERSION, RunConfig
from bench.results.columns import COLUMNS, Value
from bench.results.errors import StoreError
from bench.results.records import RunRecord, ThroughputRecord

__all__ = ["Store"]

APPLICATION_ID = 0x76616542  # "vaeB": tells a store from any other SQLite file
BATCH_ROWS = 10_000
BUSY_SECONDS = 10.0

_SQL_TYPES = {"text": "TEXT", "int": "INTEGER", "float": "REAL"}
_NAMES = [column.name for column in COLUMNS]
_SCHEMA = (
    f"""CREATE TABLE runs (
        {", ".join(f"{column.name} {_SQL_TYPES[column.kind]}" for column in COLUMNS)},
        config TEXT NOT NULL, PRIMARY KEY (run_id)) WITHOUT ROWID""",
    """CREATE TABLE curves (
        run_id TEXT NOT NULL, epoch INTEGER NOT NULL, loss REAL, squared_error REAL,
        rate_nats REAL, PRIMARY KEY (run_id, epoch)) WITHOUT ROWID""",
    """CREATE TABLE throughput (
        objective TEXT NOT NULL, latent_dim INTEGER NOT NULL, device TEXT NOT NULL,
        phase TEXT NOT NULL, batch_size INTEGER NOT NULL, repeat INTEGER NOT NULL,
        samples_per_s REAL NOT NULL,
        PRIMARY KEY (objective, latent_dim, device, phase, batch_size, repeat)) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
# What finished is never replaced; a skipped run by any result, a failed one by a later attempt.
_UPSERT = f"""
    INSERT INTO runs ({", ".join(_NAMES)}, config)
    VALUES ({", ".join("?" * (len(_NAMES) + 1))})
    ON CONFLICT (run_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in [*_NAMES, "config"])}
    WHERE runs.status = 'skipped' OR (runs.status = 'failed' AND excluded.status <> 'skipped')
"""  # noqa: S608 - column names come from our own table
_ORDER = "device, latent_dim, objective, kl_weight, recon_weight, seed, run_id"


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
    StoreError
        If the file is damaged, is no store, has another schema version, or cannot be opened.
        It is left as it is.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        with self._one_line_errors():
            self._connection = _connect(path, read_only=read_only)
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
        taken = 0
        with self._transaction() as connection:
            for record in records:
                row = [*record.row().values(), record.config.canonical_json()]
                if connection.execute(_UPSERT, row).rowcount:
                    taken += 1
                    self._replace_curves(record)
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
        query = f"SELECT {', '.join(_NAMES)} FROM runs ORDER BY {_ORDER}"  # noqa: S608
        return self._batches(query)

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

    def _prepare(self, *, read_only: bool) -> None:
        """Check what is there before anything is written; create what is missing."""
        connection = self._connection
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise StoreError(f"{self.path}: {_EXPLANATIONS[sqlite3.SQLITE_CORRUPT]}")
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables == 0 and not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                for statement in _SCHEMA:
                    connection.execute(statement)
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{self.path}: is no store of vaebench; use another --out")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{self.path}: has schema version {version}, this program reads and writes "
                f"{SCHEMA_VERSION}; use the program that wrote it, or another --out"
            )
        connection.execute("PRAGMA synchronous = FULL")

    def _replace_curves(self, record: RunRecord) -> None:
        run_id = record.run_id
        self._connection.execute("DELETE FROM curves WHERE run_id = ?", (run_id,))
        if record.curves is not None:
            self._connection.executemany(
                "INSERT INTO curves VALUES (?, ?, ?, ?, ?)",
                [(run_id, *row) for row in record.curves.rows()],
            )

    def _query(self, query: str, parameters: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
        with self._one_line_errors():
            return self._connection.execute(query, parameters).fetchall()

    def _batches(self, query: str) -> Iterator[list[tuple[Value, ...]]]:
        with self._one_line_errors():
            cursor = self._connection.execute(query)
            while batch := cursor.fetchmany(BATCH_ROWS):
                yield batch

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._one_line_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:  # no trouble with the file: the store was used wrongly
                raise
            explanation = _EXPLANATIONS.get(code & 0xFF, str(error))
            raise StoreError(f"{self.path}: {explanation}") from error


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file; where not even SQLite's helper files can be made, take it as unchanging."""
    if not read_only:
        return sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    beside = path.with_name(path.name + "-wal")
    if not beside.exists():
        address += "&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


# By primary result code: the low byte of the extended one.
_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and run the same command again, "
    "what is stored is kept",
    sqlite3.SQLITE_CORRUPT: "is damaged and was left as it is; bring back a copy, or move it away "
    "to start afresh",
    sqlite3.SQLITE_NOTADB: "is no SQLite file and was left as it is; bring back a copy, or move it "
    "away to start afresh",
    sqlite3.SQLITE_READONLY: "cannot be written; a folder with write permission is needed",
    sqlite3.SQLITE_BUSY: "another process is writing to it; wait for it or use another --out",
    sqlite3.SQLITE_IOERR: "cannot be read or written (input/output error or full disk); what is "
    "stored is kept",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; a readable file in a writable folder is needed",
}
