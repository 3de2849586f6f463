import pytest
import torch

from kernels import BackendError, backend, reparameterize_kl

ZEROS = torch.zeros(3, 4, 2)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"logvar": torch.zeros(3, 4, 1)}, ValueError,
         r"logvar must have the shape of mu \[3, 4, 2\], got \[3, 4, 1\]"),
        ({"logvar": ZEROS.double()}, TypeError, "logvar must have the dtype of mu"),
        ({"logvar": ZEROS.to("meta")}, ValueError, "logvar must be on the device of mu"),
        ({"mu": ZEROS.long(), "logvar": ZEROS.long()}, TypeError,
         "mu must be a tensor of dtype float32, bfloat16, float16, float64, got a torch.int64"),
        ({"mu": [0.0]}, TypeError, "mu must be a tensor of dtype float32, .* got list"),
        ({"logvar": None}, TypeError, "logvar must be a tensor .* got NoneType None"),
        ({"mu": torch.zeros(4), "logvar": torch.zeros(4)}, ValueError,
         r"mu must have shape \[..., B, D\], got \[4\]"),
        ({"mu": torch.zeros(4, 0), "logvar": torch.zeros(4, 0)}, ValueError,
         "at least one latent dimension"),
        ({"seed": torch.zeros(2, dtype=torch.int64)}, ValueError,
         r"seed must be an int or have the shape of mu without its last two axes \[3\], got \[2\]"),
        ({"seed": torch.tensor(1)}, ValueError, r"seed must be an int or .* got \[\]"),
        ({"seed": torch.zeros(3)}, TypeError, "seed must be an int or .* got a torch.float32"),
        ({"seed": torch.zeros(3, dtype=torch.int64, device="meta")}, ValueError, "must be on cpu"),
        ({"seed": None}, TypeError, "seed must be an int or an int64 tensor, got NoneType"),
        ({"step": torch.zeros(3, dtype=torch.int64)}, ValueError,
         "step must be an int or a 0-d int64 tensor"),
        ({"step": 1.0}, TypeError, "step must be an int or an int64 tensor, got float 1.0"),
        ({"step": torch.tensor(1.0)}, TypeError, "step must be an int or an int64 tensor"),
        ({"stream": "a"}, TypeError, "stream must be an int, got str 'a'"),
        ({"samples": 0}, ValueError, "samples must be None or a positive int, got 0"),
        ({"samples": 2.0}, TypeError, "samples must be None or a positive int, got float 2.0"),
        ({"backend": "fast"}, BackendError, "backend must be one of auto, reference, triton"),
    ],
)  # fmt: skip
def test_bad_arguments(changes, error, message):
    arguments = {"mu": ZEROS, "logvar": ZEROS, "seed": 0, "step": 0} | changes
    mu, logvar = arguments.pop("mu"), arguments.pop("logvar")
    with pytest.raises(error, match=message):
        reparameterize_kl(mu, logvar, **arguments)


def test_triton_on_a_cpu_is_refused(monkeypatch):
    monkeypatch.setattr(backend, "TRITON_INTERPRETED", False)
    with pytest.raises(BackendError, match="'triton' cannot run on device 'cpu'"):
        reparameterize_kl(ZEROS, ZEROS, seed=0, step=0, backend="triton")


def test_triton_in_float64_is_refused(monkeypatch):
    monkeypatch.setattr(backend, "TRITON_INTERPRETED", True)
    with pytest.raises(BackendError, match="computes in float32; use 'reference' for float64"):
        reparameterize_kl(ZEROS.double(), ZEROS.double(), seed=0, step=0, backend="triton")


def test_an_int_seed_gives_every_stacked_run_the_noise_of_that_seed():
    z, _ = reparameterize_kl(ZEROS, ZEROS, seed=9, step=1)
    alone, _ = reparameterize_kl(ZEROS[0], ZEROS[0], seed=9, step=1)
    assert torch.equal(z, alone.expand_as(z))


def test_stacked_runs_equal_each_run_alone():
    mu, logvar, seed = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5), torch.randint(9, (2, 3))
    z, kl = reparameterize_kl(mu, logvar, seed=seed, step=3)
    for i in range(2):
        for j in range(3):
            one = reparameterize_kl(mu[i, j], logvar[i, j], seed=int(seed[i, j]), step=3)
            assert torch.equal(z[i, j], one[0])
            assert torch.equal(kl[i, j], one[1])


def test_strided_input_equals_contiguous():
    both = torch.randn(2, 5, 8)
    mu, logvar = both.chunk(2, dim=-1)
    transposed = torch.randn(4, 2, 5).movedim(0, -1)
    for a, b in ((mu, logvar), (transposed, mu)):
        strided = reparameterize_kl(a, b, seed=1, step=0)
        contiguous = reparameterize_kl(a.contiguous(), b.contiguous(), seed=1, step=0)
        torch.testing.assert_close(strided, contiguous, rtol=0, atol=1e-6)


def test_z_of_a_collapsed_posterior_is_its_mean():
    mu = torch.randn(3, 4)
    z, _ = reparameterize_kl(mu, torch.full_like(mu, -200.0), seed=0, step=0)
    assert torch.equal(z, mu)


def test_one_compiled_graph_serves_every_seed_and_step():
    compiled_graphs = []

    def backend(graph, inputs):
        compiled_graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    mu, logvar = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    op = torch.compile(
        lambda seed, step: reparameterize_kl(mu, logvar, seed=seed, step=step),
        fullgraph=True, backend=backend,
    )  # fmt: skip
    for index in range(3):
        seed, step = torch.tensor([index, 5]), torch.tensor(index)
        expected = reparameterize_kl(mu, logvar, seed=seed, step=step)
        torch.testing.assert_close(op(seed, step), expected, rtol=0, atol=0)
    assert len(compiled_graphs) == 1


def test_vmap_equals_stacking():
    mu, logvar, seed = torch.randn(3, 4, 2), torch.randn(3, 4, 2), torch.tensor([1, 2, 3])
    mapped = torch.func.vmap(lambda m, v, s: reparameterize_kl(m, v, seed=s, step=1))(
        mu, logvar, seed
    )
    torch.testing.assert_close(mapped, reparameterize_kl(mu, logvar, seed=seed, step=1))


def test_second_derivatives_of_the_reference():
    mu = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    _, kl = reparameterize_kl(mu, torch.zeros_like(mu), seed=0, step=0)
    (first,) = torch.autograd.grad(kl.sum(), mu, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), mu)
    torch.testing.assert_close(second, torch.ones_like(mu))
