"""Where the fused op can run: under Triton's interpreter on a CPU, else on an NVIDIA GPU."""

import pytest
import torch

from kernels.backend import TRITON_INTERPRETED

CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.cuda,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
    ],
)


@pytest.fixture(params=["cpu"] if TRITON_INTERPRETED else [CUDA])
def device(request):
    """A device that runs Triton kernels; ``test_interpreter`` runs these tests on the CPU."""
    return request.param
