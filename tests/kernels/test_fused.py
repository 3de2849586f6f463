"""The fused op where Triton runs; ``test_interpreter`` starts these tests under the interpreter."""

import pytest
import torch
import triton
import triton.language as tl
from torch._subclasses.fake_tensor import FakeTensorMode

from kernels import launch, philox_normal, philox_uint32, reparameterize_kl
from kernels.check import CASES, relative_errors
from kernels.launch import fast_instructions
from kernels.triton_noise import normal_tile, philox4x32

STEP = 7
# the special-function unit's sine and cosine err by up to 2**-20.5, times a radius of at most 5.68
NOISE_TOLERANCE = 4e-6 if fast_instructions() else 1e-6


def fused(mu, logvar, **changes):
    return reparameterize_kl(mu, logvar, **({"step": STEP, "backend": "triton"} | changes))


def moments(*shape, device, dtype=torch.float32, requires_grad=False):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn((2, *shape), generator=generator).to(device, dtype)
    return tuple(value.clone().requires_grad_(requires_grad) for value in values)


@triton.jit
def words_kernel(counter_ptr, key_ptr, words_ptr, FAST: tl.constexpr):
    row = tl.arange(0, 4)
    c0 = tl.load(counter_ptr + 4 * row).to(tl.uint32)
    c1 = tl.load(counter_ptr + 4 * row + 1).to(tl.uint32)
    c2 = tl.load(counter_ptr + 4 * row + 2).to(tl.uint32)
    c3 = tl.load(counter_ptr + 4 * row + 3).to(tl.uint32)
    seed = tl.load(key_ptr + row)
    w0, w1, w2, w3 = philox4x32(
        c0, c1, c2, c3, seed.to(tl.uint32), (seed >> 32).to(tl.uint32), FAST
    )
    tl.store(words_ptr + 4 * row, w0.to(tl.int64))
    tl.store(words_ptr + 4 * row + 1, w1.to(tl.int64))
    tl.store(words_ptr + 4 * row + 2, w2.to(tl.int64))
    tl.store(words_ptr + 4 * row + 3, w3.to(tl.int64))


@triton.jit
def noise_kernel(block_ptr, seed, normals_ptr, PAIRED: tl.constexpr, FAST: tl.constexpr):
    block = tl.load(block_ptr + tl.arange(0, 4))[None, :]
    noise = normal_tile(
        block, tl.cast(3, tl.int64), tl.cast(2, tl.int64), tl.cast(seed, tl.int64), PAIRED, FAST
    )
    width: tl.constexpr = 32 if PAIRED else 16
    tl.store(normals_ptr + tl.arange(0, width)[None, :], noise)


@triton.jit
def stock_kernel(seed, normals_ptr):
    offset = tl.arange(0, 16)
    n0, n1, n2, n3 = tl.randn4x(seed, offset)
    tl.store(normals_ptr + 4 * offset, n0)
    tl.store(normals_ptr + 4 * offset + 1, n1)
    tl.store(normals_ptr + 4 * offset + 2, n2)
    tl.store(normals_ptr + 4 * offset + 3, n3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_and_gradients_against_float64(case, device):
    for output, error in relative_errors(case, device).items():
        assert error <= case.tolerance(output), output


def test_words_are_those_of_the_definition(device):
    generator = torch.Generator().manual_seed(1)
    counter = torch.randint(2**32, (4, 4), generator=generator).to(device)
    counter[0] = 2**32 - 1
    key = torch.tensor([-1, 0, 2**62 + 5, -(2**40)], device=device)
    words = torch.empty_like(counter)
    words_kernel[(1,)](counter, key, words, FAST=fast_instructions())
    assert torch.equal(words.cpu(), philox_uint32(key.cpu(), counter.cpu()))


def test_words_on_the_device_are_those_on_the_cpu(device):
    counter = torch.arange(40).view(10, 4)
    assert torch.equal(philox_uint32(5, counter.to(device)).cpu(), philox_uint32(5, counter))


def test_noise_is_that_of_stock_triton(device):
    normals = torch.empty(64, device=device)
    stock_kernel[(1,)](2024, normals)
    torch.testing.assert_close(philox_normal((64,), 2024, 0, 0), normals.cpu(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("paired", [False, True])
def test_blocks_above_32_bits_use_the_second_counter_word(paired, device):
    blocks = (2**33 + 5 + torch.arange(8)).to(device)
    normals = torch.empty(32 if paired else 16, device=device)
    noise_kernel[(1,)](
        blocks[::2].contiguous() if paired else blocks, 9, normals, PAIRED=paired,
        FAST=fast_instructions(),
    )  # fmt: skip
    counters = torch.stack([blocks.cpu() % 2**32, blocks.cpu() >> 32], dim=1)
    words = philox_uint32(9, torch.cat([counters, torch.tensor([[3, 2]]).expand(8, 2)], dim=1))
    u = torch.where(words < 2**31, words, 2**32 - 1 - words).double() * 4.6566127342e-10
    radius, angle = (-2 * u[:, ::2].log()).sqrt(), 2 * torch.pi * u[:, 1::2]
    expected = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1).flatten()
    atol = NOISE_TOLERANCE
    torch.testing.assert_close(
        normals.cpu().double(), expected[: len(normals)], rtol=0, atol=max(atol, 3e-6)
    )


@pytest.mark.parametrize(("rows", "latent_dim"), [(9, 4), (9, 5), (7, 6), (1, 1), (2, 300)])
def test_noise_is_that_of_the_definition(rows, latent_dim, device):
    zeros = torch.zeros(2, rows, latent_dim, device=device)
    seed = torch.tensor([5, -6])
    z, _ = fused(zeros, zeros, seed=seed.to(device), stream=3)
    eps = philox_normal((2, rows, latent_dim), seed, STEP, 3)
    torch.testing.assert_close(z.cpu(), eps, rtol=0, atol=NOISE_TOLERANCE)


def test_samples_have_the_noise_of_the_reference(device):
    mu, logvar = moments(2, 3, 3, device=device)
    seed = torch.tensor([1, 2], device=device)
    z, kl = fused(mu, logvar, seed=seed, samples=3)
    expected = reparameterize_kl(
        mu.cpu(), logvar.cpu(), seed=seed.cpu(), step=STEP, samples=3, backend="reference"
    )
    scale = float((0.5 * logvar).exp().max())
    torch.testing.assert_close(z.cpu(), expected[0], rtol=1e-6, atol=scale * NOISE_TOLERANCE)
    torch.testing.assert_close(kl.cpu(), expected[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_run_has_the_same_bits_alone_and_stacked(dtype, device):
    mu, logvar = moments(3, 5, 6, device=device, dtype=dtype)
    seed = torch.tensor([4, 5, 6], device=device)
    stacked = fused(mu, logvar, seed=seed, per_dimension=True)
    for run in range(3):
        alone = fused(mu[run], logvar[run], seed=int(seed[run]), per_dimension=True)
        for together, single in zip(stacked, alone, strict=True):
            assert torch.equal(together[run], single)


def test_more_runs_than_a_grid_axis_holds(device, monkeypatch):
    mu, logvar = moments(5, 2, 4, device=device)
    seed = torch.arange(5, device=device)
    expected = fused(mu, logvar, seed=seed)
    monkeypatch.setattr(launch, "_GRID_AXIS_LIMIT", 2)
    torch.testing.assert_close(fused(mu, logvar, seed=seed), expected, rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("latent_dim", [4, 5])
def test_a_bad_logvar_stays_in_its_row(bad, latent_dim, device):
    mu, logvar = moments(6, latent_dim, device=device)
    clean = fused(mu, logvar, seed=0)
    logvar[2, 1] = bad
    z, kl = fused(mu, logvar, seed=0)
    others = torch.tensor([0, 1, 3, 4, 5], device=device)
    assert torch.equal(z[others], clean[0][others])
    assert torch.equal(kl[others], clean[1][others])
    assert not torch.isfinite(kl[2])


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (0, 3, 4)])
def test_empty_batches(shape, device):
    mu = torch.zeros(shape, device=device, requires_grad=True)
    seed = torch.zeros(shape[:-2], dtype=torch.int64, device=device)
    z, kl, per_dimension = fused(mu, mu, seed=seed, per_dimension=True)
    assert (z.shape, kl.shape) == (shape, shape[:-1])
    assert per_dimension.shape == (*shape[:-2], 4)
    (z.sum() + kl.sum()).backward()
    assert mu.grad.shape == shape


def test_unused_results_cost_no_gradient(device):
    mu, logvar = moments(3, 4, device=device, requires_grad=True)
    z, _ = fused(mu, logvar, seed=0)
    (dmu,) = torch.autograd.grad(z.sum(), mu)
    assert torch.equal(dmu, torch.ones_like(mu))


def test_only_inputs_seed_and_step_are_kept_for_backward(device):
    mu, logvar = moments(3, 5, 4, device=device, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        fused(mu, logvar, seed=torch.arange(3, device=device))
    inputs = {mu.data_ptr(), logvar.data_ptr()}
    extra_bytes = sum(t.untyped_storage().nbytes() for t in kept if t.data_ptr() not in inputs)
    assert extra_bytes <= 16 * 3


def test_a_second_derivative_is_refused(device):
    mu, logvar = moments(3, 4, device=device, requires_grad=True)
    _, kl = fused(mu, logvar, seed=0)
    (dmu,) = torch.autograd.grad(kl.sum(), mu, create_graph=True)
    with pytest.raises(NotImplementedError, match="has first derivatives only"):
        dmu.sum().backward()


def test_opcheck(device):
    mu, logvar = moments(2, 3, 4, device=device, requires_grad=True)
    seed, step = torch.tensor([1, 2], device=device), torch.tensor(3, device=device)
    forward = torch.ops.vaebench.reparameterize_kl.default
    arguments = (mu, logvar, seed, step, 0, 2, True)
    assert set(torch.library.opcheck(forward, arguments).values()) == {"SUCCESS"}
    backward = torch.ops.vaebench.reparameterize_kl_backward.default
    dz = torch.randn(2, 3, 4, device=device)
    arguments = (dz, None, None, mu.detach(), logvar.detach(), seed, step, 0, None)
    assert set(torch.library.opcheck(backward, arguments).values()) == {"SUCCESS"}


def test_vmap_over_runs_rows_and_steps(device):
    mu, logvar = moments(3, 4, 2, device=device, requires_grad=True)
    seed = torch.tensor([1, 2, 3], device=device)
    step = torch.tensor(STEP, device=device)
    stacked = fused(mu, logvar, seed=seed)
    mapped = torch.func.vmap(lambda m, v, s: fused(m, v, seed=s, step=step))(mu, logvar, seed)
    torch.testing.assert_close(mapped, stacked, rtol=0, atol=0)
    mapped_gradient = torch.autograd.grad(mapped[0].square().sum() + mapped[1].sum(), logvar)
    gradient = torch.autograd.grad(stacked[0].square().sum() + stacked[1].sum(), logvar)
    torch.testing.assert_close(mapped_gradient, gradient, rtol=0, atol=0)

    shared, _ = torch.func.vmap(lambda m: fused(m, m, seed=5, step=step), in_dims=1)(mu)
    assert torch.equal(shared[2], fused(mu[:, 2], mu[:, 2], seed=5)[0])
    steps = torch.tensor([3, STEP, 5], device=device)
    by_step, _ = torch.func.vmap(lambda m, t: fused(m, m, seed=5, step=t))(mu, steps)
    assert torch.equal(by_step[1], fused(mu[1], mu[1], seed=5)[0])


def test_one_compiled_graph_serves_every_seed_and_step(device):
    compiled_graphs = []

    def backend(graph, inputs):
        compiled_graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    mu, logvar = moments(2, 3, 4, device=device)
    op = torch.compile(
        lambda seed, step: fused(mu, logvar, seed=seed, step=step), fullgraph=True, backend=backend
    )
    for index in range(3):
        seed = torch.tensor([index, 5], device=device)
        step = torch.tensor(index, device=device)
        expected = fused(mu, logvar, seed=seed, step=step)
        torch.testing.assert_close(op(seed, step), expected, rtol=0, atol=0)
    assert len(compiled_graphs) == 1


def test_training_through_aot_autograd(device):
    torch._dynamo.reset()
    mu, logvar = moments(2, 3, 4, device=device, requires_grad=True)

    def loss(mu, logvar):
        z, kl = fused(mu, logvar, seed=3)
        return z.square().sum() + kl.sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    gradients = torch.autograd.grad(compiled(mu, logvar), (mu, logvar))
    expected = torch.autograd.grad(loss(mu, logvar), (mu, logvar))
    torch.testing.assert_close(gradients, expected)


@pytest.mark.parametrize("samples", [None, 2])
def test_the_registered_op_and_the_direct_door_agree(samples, device):
    mu, logvar = moments(2, 3, 4, device=device, requires_grad=True)
    seed = torch.tensor([1, 2], device=device)
    direct = fused(mu, logvar, seed=seed, samples=samples, per_dimension=True)
    step = torch.tensor(STEP, device=device)
    op = torch.ops.vaebench.reparameterize_kl
    registered = op(mu, logvar, seed, step, 0, samples, True)
    torch.testing.assert_close(direct, registered, rtol=0, atol=0)
    gradients = [
        torch.autograd.grad(z.square().sum() + kl.sum() + column.square().sum(), (mu, logvar))
        for z, kl, column in (direct, registered)
    ]
    torch.testing.assert_close(*gradients, rtol=0, atol=0)


def test_fake_tensors_have_shapes_and_no_values(device):
    with FakeTensorMode():
        mu = torch.empty(2, 3, 4, device=device)
        seed = torch.empty(2, dtype=torch.int64, device=device)
        z, kl, column = fused(mu, mu, seed=seed, samples=5, per_dimension=True)
    assert (z.shape, kl.shape, column.shape) == ((2, 5, 3, 4), (2, 3), (2, 4))
