import pytest
import torch

from kernels import BackendError, backend, resolve_backend

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("requested", "device", "expected"),
    [
        ("auto", CPU, "reference"),
        ("reference", CPU, "reference"),
        ("reference", CUDA, "reference"),
        ("auto", CUDA, "triton"),
        ("triton", CUDA, "triton"),
    ],
)
def test_choice_by_device(requested, device, expected, monkeypatch):
    monkeypatch.setattr(backend, "TRITON_INSTALLED", True)
    assert resolve_backend(requested, device) == expected


def test_auto_stays_on_the_reference_under_the_interpreter(monkeypatch):
    monkeypatch.setattr(backend, "TRITON_INTERPRETED", True)
    assert resolve_backend("auto", CPU) == "reference"
    assert resolve_backend("triton", CPU) == "triton"


def test_triton_on_a_cpu_is_refused(monkeypatch):
    monkeypatch.setattr(backend, "TRITON_INTERPRETED", False)
    with pytest.raises(BackendError, match="cannot run on device 'cpu': it needs a CUDA device"):
        resolve_backend("triton", CPU)


def test_triton_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(backend, "TRITON_INSTALLED", False)
    assert resolve_backend("auto", CUDA) == "reference"
    with pytest.raises(BackendError, match="'triton' needs the triton package"):
        resolve_backend("triton", CUDA)


def test_unknown_backend():
    with pytest.raises(BackendError, match="must be one of auto, reference, triton, got 'cuda'"):
        resolve_backend("cuda", CPU)


def test_a_backend_error_is_a_value_error():
    assert issubclass(BackendError, ValueError)
