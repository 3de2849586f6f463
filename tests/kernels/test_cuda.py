"""What only a GPU can show: graphs, 64-bit offsets, and the special-function unit."""

import pytest
import torch

from kernels import philox_normal, philox_uint32, reparameterize_kl

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


def test_auto_is_triton():
    zeros = torch.zeros(4, 8, device="cuda")
    auto = reparameterize_kl(zeros, zeros, seed=1, step=2)
    explicit = reparameterize_kl(zeros, zeros, seed=1, step=2, backend="triton")
    torch.testing.assert_close(auto, explicit, rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore:The AccumulateGrad node's stream does not match")
def test_a_replayed_graph_follows_seed_and_step():
    mu = torch.randn(2, 64, 16, device="cuda", requires_grad=True)
    logvar = torch.randn(2, 64, 16, device="cuda", requires_grad=True)
    seed, step = torch.tensor([1, 2], device="cuda"), torch.tensor(0, device="cuda")

    def once():
        z, kl = reparameterize_kl(mu, logvar, seed=seed, step=step, backend="triton")
        return z, torch.autograd.grad(z.square().sum() + kl.sum(), (mu, logvar))

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        once()
    side.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        z, gradients = once()
    for value in (5, 6):
        step.fill_(value)
        seed.add_(value)
        graph.replay()
        expected_z, expected_gradients = once()
        torch.testing.assert_close(z, expected_z, rtol=0, atol=0)
        torch.testing.assert_close(gradients, expected_gradients, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_inductor_compiles_it_whole(dtype):
    generator = torch.Generator("cuda").manual_seed(0)
    mu = torch.randn(4, 32, 16, device="cuda", dtype=dtype, generator=generator).requires_grad_()

    def loss(mu, step):
        z, kl = reparameterize_kl(mu, 0.1 * mu, seed=3, step=step)
        return z.float().square().sum() + kl.sum()

    step = torch.tensor(4, device="cuda")
    compiled = torch.compile(loss, fullgraph=True)
    (gradient,) = torch.autograd.grad(compiled(mu, step), mu)
    (expected,) = torch.autograd.grad(loss(mu, step), mu)
    # A gradient is a sum of terms of about one, each of which was rounded.
    rounding = max(1e-5, 2 * torch.finfo(dtype).eps)
    torch.testing.assert_close(gradient, expected, rtol=rounding, atol=rounding)


def test_two_launches_have_the_same_bits():
    mu = torch.randn(1 << 16, 20, device="cuda")
    results = [
        reparameterize_kl(mu, mu, seed=3, step=0, per_dimension=True, backend="triton")
        for _ in range(2)
    ]
    torch.testing.assert_close(*results, rtol=0, atol=0)


def test_fast_normals_stay_close_and_finite_over_a_hundred_million():
    zeros = torch.zeros(1 << 20, 16, device="cuda")
    worst = 0.0
    for step in range(6):
        z, _ = reparameterize_kl(zeros, zeros, seed=11, step=step, backend="triton")
        eps = philox_normal((1 << 20, 16), torch.tensor(11, device="cuda"), step, 0)
        assert torch.isfinite(z).all()
        worst = max(worst, float((z - eps).abs().max()))
    assert worst <= 1e-5


@pytest.mark.slow
@pytest.mark.skipif(
    not torch.cuda.is_available() or torch.cuda.mem_get_info()[0] < 34e9,
    reason="needs 34 GB of GPU memory",
)
def test_more_than_two_to_the_32_elements():
    rows = (1 << 28) + 3
    logvar = torch.zeros(rows, 16, device="cuda", dtype=torch.bfloat16)
    z, kl = reparameterize_kl(logvar, logvar, seed=1, step=0, backend="triton")
    assert float(kl[-1]) == 0.0
    # the last rows lie above element 2**32: their blocks are above 2**30
    tail = z[-4:].float().flatten()
    first = (rows - 4) * 16
    words = torch.arange(first // 4, first // 4 + 16)
    counter = torch.stack([words % 2**32, words >> 32, words * 0, words * 0], dim=1)
    folded = philox_uint32(1, counter)
    u = torch.where(folded < 2**31, folded, 2**32 - 1 - folded).double() * 4.6566127342e-10
    radius, angle = (-2 * u[:, ::2].log()).sqrt(), 2 * torch.pi * u[:, 1::2]
    expected = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1).flatten()
    torch.testing.assert_close(tail.cpu().double(), expected, rtol=2**-8, atol=1e-3)
