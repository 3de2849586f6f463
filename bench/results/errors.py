"""What can go wrong with what is kept; the text of each is one line."""

__all__ = ["DamagedStoreError", "ExportError", "StoreError", "SweepDirectoryError"]


class StoreError(Exception):
    """The store cannot be read or written, or holds something else than expected."""


class DamagedStoreError(StoreError):
    """The store's file is truncated, overwritten, or no store at all."""


class SweepDirectoryError(Exception):
    """The sweep directory belongs to another sweep or process, or cannot be written."""


class ExportError(Exception):
    """A tracker is not installed or does not take a sweep."""
