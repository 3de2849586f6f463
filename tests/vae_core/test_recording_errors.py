"""Which error of a recording is told: no GPU is needed to tell."""

import pytest
import torch

from vae_core.replay import WaitsForDeviceError, _cause

REFUSED = RuntimeError(
    "CUDA error: operation not permitted when stream is capturing\nSearch for it"
)
ENDED = "CUDA error: operation failed due to a previous error during capture"


def followed_by(first, message):
    """The second error, as it is raised while the first is on its way."""
    try:
        try:
            raise first
        finally:
            raise RuntimeError(message)
    except RuntimeError as second:
        return second


def test_what_cuda_refuses_is_waiting():
    for error in (REFUSED, followed_by(REFUSED, ENDED)):
        cause = _cause(error)
        assert isinstance(cause, WaitsForDeviceError)
        assert str(cause) == "CUDA error: operation not permitted when stream is capturing"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("shapes do not match")]
)
def test_what_went_wrong_before_the_end_of_a_recording_is_told(error):
    assert _cause(error) is error
    assert _cause(followed_by(error, ENDED)) is error


def test_a_users_own_words_are_not_mistaken_for_cudas():
    error = followed_by(RuntimeError("inner"), "my network cannot capture frames")
    assert _cause(error) is error
