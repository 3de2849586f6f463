"""What stays on disk: records, the store, the sweep directory, tables for readers, provenance.

Nothing here trains or measures. ``exports`` (pyarrow) and ``provenance`` (asks torch) are
imported by name where they are needed, so that importing this package stays cheap.
"""

from bench.results.columns import COLUMNS, Column
from bench.results.directory import SweepDirectory
from bench.results.errors import StoreError, SweepDirectoryError
from bench.results.records import Curves, RunRecord, ThroughputRecord
from bench.results.store import Store

__all__ = [
    "COLUMNS",
    "Column",
    "Curves",
    "RunRecord",
    "Store",
    "StoreError",
    "SweepDirectory",
    "SweepDirectoryError",
    "ThroughputRecord",
]
