"""The tables of a store, and what becomes of a store that was made by another program.

``SCHEMA_VERSION`` changes when a configuration or a column comes to mean something else: such a
store is refused, for its runs are other runs. A column that is merely new changes no meaning: an
older store is given it, null in every run it holds, which reads "was not measured".
"""

import sqlite3

from bench.plan.grid import SCHEMA_VERSION
from bench.results.columns import COLUMNS
from bench.results.errors import DamagedStoreError, StoreError

__all__ = ["NAMES", "check_whole", "create", "present_columns", "refusal"]

APPLICATION_ID = 0x76616542  # "vaeB": tells a store from any other SQLite file
CHECKED_WHOLE_BYTES = 64_000_000
"""Up to this size, about 0.4 s, opening checks the whole file; above, the table of runs."""

_SQL_TYPES = {"text": "TEXT", "int": "INTEGER", "float": "REAL"}
NAMES = [column.name for column in COLUMNS]
_TABLES = (
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
# What a resumed sweep asks, without reading the wide rows: 100,000 runs in a tenth of the time.
_INDEX = "CREATE INDEX IF NOT EXISTS done ON runs (run_id, status, data_hash)"


def create(connection: sqlite3.Connection) -> None:
    """Make what is missing: every table, or the columns and the index that an older store lacks."""
    present = present_columns(connection)
    if not present:
        for statement in _TABLES:
            connection.execute(statement)
    else:
        for column in COLUMNS:
            if column.name not in present:
                kind = _SQL_TYPES[column.kind]
                connection.execute(f"ALTER TABLE runs ADD COLUMN {column.name} {kind}")
    connection.execute(_INDEX)


def present_columns(connection: sqlite3.Connection) -> set[str]:
    """The columns that the table of runs has; none where there is no such table."""
    return {name for _, name, *_ in connection.execute("PRAGMA table_info(runs)")}


def check_whole(connection: sqlite3.Connection, path: str, *, size: int | None = None) -> None:
    """Check the file: all of it, or the table of runs alone where ``size`` (bytes) is large.

    Raises
    ------
    DamagedStoreError
        If a page is not as it must be.
    """
    large = size is not None and size > CHECKED_WHOLE_BYTES
    found = connection.execute(f"PRAGMA quick_check({'runs' if large else '1'})").fetchone()
    if found != ("ok",):
        raise DamagedStoreError(path)


def refusal(connection: sqlite3.Connection, path: str) -> StoreError | None:
    """Why what is in the file cannot be used by this program; None if it can."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return StoreError(f"{path}: is no store of vaebench; use another --out")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        return StoreError(
            f"{path}: has schema version {version}, this program reads and writes "
            f"{SCHEMA_VERSION}; use the program that wrote it, or another --out"
        )
    unknown = sorted(present_columns(connection) - {*NAMES, "config"})
    if unknown:
        return StoreError(
            f"{path}: was written by a newer program (this one knows no column {unknown[0]}); "
            "use that, or another --out"
        )
    return None
