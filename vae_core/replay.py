"""A call that touches a GPU only, recorded as a CUDA graph and replayed: one launch for all of its
kernels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")

WARM_UP_CALLS = 2
"""Calls made as they are before one is recorded: in the first, libraries and compilers make
themselves ready; the last must not wait for the device."""


class WaitsForDeviceError(RuntimeError):
    """A call cannot be recorded, because Python waits for a value from the GPU in it."""


class Replayed(Generic[Result]):
    """A function without arguments, called as it is at first and replayed from then on.

    What changes between calls must be in device memory that the function reads and writes; what it
    returns is that of the last call, and good until the next. It must not hold autograd's graph,
    whose nodes belong to the stream of an earlier call.

    Raises
    ------
    WaitsForDeviceError
        From the last call before the recording, or from the recording, when the function waits for
        the device.
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
        if self._calls < WARM_UP_CALLS:
            return self._function()
        with _refusing_to_wait():
            return self._function()

    def _record(self) -> tuple[torch.cuda.CUDAGraph, Result]:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                result = self._function()
        except RuntimeError as error:
            if (cause := _cause(error)) is error:
                raise
            raise cause from error
        return graph, result


def _cause(error: RuntimeError) -> RuntimeError:
    """What ended a recording. What CUDA refuses in one ends it with a second error, about the end
    of the recording.
    """
    if not _is_about_recording(error):
        return error
    first = error.__context__ if isinstance(error.__context__, RuntimeError) else error
    if not _is_about_recording(first):
        return first
    return WaitsForDeviceError(str(first).splitlines()[0])


def _is_about_recording(error: RuntimeError) -> bool:
    """Whether CUDA says that something cannot be done while, or because, a stream is recorded."""
    said = str(error)
    return "CUDA error" in said and ("captur" in said or "StreamCapture" in said)


@contextmanager
def _refusing_to_wait() -> Iterator[None]:
    """Turn PyTorch's waiting for the device, which no recording may hold, into an error."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        # it misses explicit waiting, which makes the recording itself fail
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    except RuntimeError as error:
        if "synchronizing CUDA operation" not in str(error):
            raise
        raise WaitsForDeviceError(str(error).splitlines()[0]) from error
    finally:
        torch.cuda.set_sync_debug_mode(before)
