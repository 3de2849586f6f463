"""The op, a training step, and both passes of a stack of eight models on digits."""

import pytest
import torch

from bench.measure.throughput_cases import Case, build
from bench.plan import SweepSpec, expand
from kernels import reparameterize_kl
from vae_core import load_dataset

MODELS, BATCH, LATENT_DIM = 8, 128, 16
STEP_TOLERANCE = 1.15
"""A training step is what users wait for, and its ratio is steady enough."""

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def call():
    """One call of a phase of stacked models."""
    dataset = load_dataset("digits")

    def of(objective, phase, device):
        spec = SweepSpec(name="perf", sweep={"objective": [objective], "device": [device]})
        (run,) = expand(spec, dataset.content_hash)
        engine = "fused" if device == "cuda" else "eager"
        case = Case(study="cohort", run=run, engine=engine, phase=phase, cohort_size=MODELS)
        return build(case, dataset.to(device))

    return of


def op(device, backend):
    shape = (MODELS, BATCH, LATENT_DIM)
    generator = torch.Generator().manual_seed(0)
    mu, logvar = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
    seeds = torch.arange(MODELS, device=device)
    mu.requires_grad_()
    logvar.requires_grad_()
    steps = iter(range(10**9))

    def both_passes():
        z, kl = reparameterize_kl(mu, logvar, seed=seeds, step=next(steps), backend=backend)
        (z.sum() + kl.sum()).backward()
        mu.grad = logvar.grad = None

    return both_passes


def test_reference_op(vae_gate, plain_integers):
    vae_gate.time(op("cpu", "reference"), beside=plain_integers)


@pytest.mark.parametrize("objective", ["ae", "vae"])
def test_training_step(vae_gate, call, plain_training_step, objective):
    step = call(objective, "train", "cpu")
    vae_gate.time(step, beside=plain_training_step, tolerance=STEP_TOLERANCE)


@pytest.mark.parametrize("phase", ["encode", "decode"])
def test_pass(vae_gate, call, plain_networks, phase):
    vae_gate.time(call("vae", phase, "cpu"), beside=plain_networks[phase])


@pytest.mark.cuda
@needs_cuda
def test_fused_op_on_a_gpu(vae_gate):
    """Beside a copy of what any implementation reads and writes."""
    fused = op("cuda", "triton")
    source = torch.randn(8 * MODELS * BATCH * LATENT_DIM // 2, device="cuda")
    target = torch.empty_like(source)
    vae_gate.time(fused, beside=lambda: target.copy_(source), device="cuda")


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("phase", ["train", "encode", "decode"])
def test_phase_on_a_gpu(vae_gate, call, phase):
    """Beside the products of one layer, called as often as a network calls them."""
    left, right = torch.randn(2, MODELS, BATCH, BATCH, device="cuda")

    def products():
        for _ in range(6):
            torch.bmm(left, right)

    vae_gate.time(call("vae", phase, "cuda"), beside=products, device="cuda")
