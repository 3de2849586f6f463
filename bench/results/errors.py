"""What can go wrong with what is kept; the text of each is one line."""

__all__ = ["DamagedStoreError", "StoreError", "SweepDirectoryError"]


class StoreError(Exception):
    """The store cannot be read or written, or holds something else than expected."""


class DamagedStoreError(StoreError):
    """The store's file is truncated, overwritten, or no store at all."""


class SweepDirectoryError(Exception):
    """The sweep directory belongs to another sweep or process, or cannot be written."""
