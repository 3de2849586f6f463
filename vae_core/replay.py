"""A call that touches a GPU only, recorded as a CUDA graph and replayed: one launch for all of its
kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")

WARM_UP_CALLS = 3
"""Calls made as they are before one is recorded: libraries and compilers make themselves ready."""


class WaitsForDeviceError(RuntimeError):
    """A call cannot be recorded, because Python waits for a value from the GPU in it."""


class Replayed(Generic[Result]):
    """A function without arguments, called as it is at first and replayed from then on.

    What changes between calls must be in device memory that the function reads and writes; what it
    returns is that of the last call, and good until the next.

    Raises
    ------
    WaitsForDeviceError
        From the last call before the recording, when the function waits for the device.
    """

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._calls = 0
        self._recorded: tuple[torch.cuda.CUDAGraph, Result] | None = None

    def __call__(self) -> Result:
        if self._recorded is None and self._calls == WARM_UP_CALLS:
            self._recorded = self._record()
        if self._recorded is not None:
            graph, result = self._recorded
            graph.replay()
            return result
        self._calls += 1
        here, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        # Autograd must not remember the default stream, on which nothing can be recorded.
        side.wait_stream(here)
        with torch.cuda.stream(side):
            if self._calls < WARM_UP_CALLS:
                result = self._function()
            else:
                with _refusing_to_wait():
                    result = self._function()
        here.wait_stream(side)
        return result

    def _record(self) -> tuple[torch.cuda.CUDAGraph, Result]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            result = self._function()
        return graph, result


@contextmanager
def _refusing_to_wait() -> Iterator[None]:
    """Turn PyTorch's waiting for the device, which no recording may hold, into an error."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    except RuntimeError as error:
        if "synchronizing CUDA operation" not in str(error):
            raise
        raise WaitsForDeviceError(str(error).splitlines()[0]) from error
    finally:
        torch.cuda.set_sync_debug_mode(before)
