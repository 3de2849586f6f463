"""What the C library does with memory that a training step has freed."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of ``mallopt`` (mallopt(3)): from what size on free memory at the heap's end goes back to the
system, and from what size on a block is asked of the system by itself."""
KEPT_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Have this process keep what it frees: the next step asks for blocks of the same sizes.

    glibc gives large blocks back, and the system fills each new one with zeros, a page at a time:
    a fifth of a convolutional step (``docs/performance.md``). Other C libraries stay as they are.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
            mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
