import pytest
import torch
from torch.distributions import Normal, kl_divergence

from kernels import philox_normal, reparameterize_kl

STEP = torch.tensor(5)


def moments(*shape, dtype=torch.float64, requires_grad=False):
    generator = torch.Generator().manual_seed(len(shape))
    mu = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    logvar = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    return mu.requires_grad_(requires_grad), logvar.requires_grad_(requires_grad)


def test_kl_is_that_of_torch_distributions():
    mu, logvar = moments(3, 9, 5)
    _, kl, per_dimension = reparameterize_kl(
        mu, logvar, seed=0, step=STEP, per_dimension=True, backend="reference"
    )
    expected = kl_divergence(
        Normal(mu, (0.5 * logvar).exp()), Normal(torch.zeros(()).double(), 1.0)
    )
    torch.testing.assert_close(kl, expected.sum(-1))
    torch.testing.assert_close(per_dimension, expected.mean(-2))


def test_z_is_mu_plus_std_times_the_noise():
    mu, logvar = moments(2, 6, 3)
    seed = torch.tensor([4, 8])
    z, _ = reparameterize_kl(mu, logvar, seed=seed, step=STEP, stream=2, backend="reference")
    eps = philox_normal((2, 6, 3), seed, STEP, 2).double()
    torch.testing.assert_close(z, mu + (0.5 * logvar).exp() * eps)


@pytest.mark.parametrize("samples", [None, 1, 3])
def test_gradients_against_finite_differences(samples):
    mu, logvar = moments(2, 4, 3, requires_grad=True)

    def op(mu, logvar):
        return reparameterize_kl(
            mu, logvar, seed=torch.tensor([1, 2]), step=STEP, samples=samples, per_dimension=True,
            backend="reference",
        )  # fmt: skip

    assert torch.autograd.gradcheck(op, (mu, logvar))


def test_a_nearly_vanishing_kl_keeps_its_digits():
    logvar = torch.full((1, 1), 1e-6, dtype=torch.float64)
    _, kl = reparameterize_kl(torch.zeros_like(logvar), logvar, seed=0, step=0)
    torch.testing.assert_close(float(kl), 1e-12 / 4, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("dtype", "kl_dtype"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ],
)
def test_dtypes(dtype, kl_dtype):
    mu, logvar = moments(4, 3, dtype=dtype)
    z, kl, per_dimension = reparameterize_kl(mu, logvar, seed=0, step=0, per_dimension=True)
    assert (z.dtype, kl.dtype, per_dimension.dtype) == (dtype, kl_dtype, kl_dtype)
    exact_z, exact_kl = reparameterize_kl(mu.double(), logvar.double(), seed=0, step=0)
    resolution = torch.finfo(dtype).eps
    torch.testing.assert_close(z.double(), exact_z, rtol=resolution, atol=4 * resolution)
    torch.testing.assert_close(kl.double(), exact_kl, rtol=1e-6, atol=1e-6)


def test_samples_continue_the_noise_of_the_first():
    mu, logvar = moments(2, 3, 3)
    seed = torch.tensor([1, 2])
    one, kl_one = reparameterize_kl(mu, logvar, seed=seed, step=STEP)
    three, kl_three = reparameterize_kl(mu, logvar, seed=seed, step=STEP, samples=3)
    assert three.shape == (2, 3, 3, 3)
    assert torch.equal(three[:, 0], one)
    assert torch.equal(kl_three, kl_one)
    # 9 elements take 3 blocks of 4: sample s starts at element 12 s of the run's noise
    eps = philox_normal((2, 36), seed, STEP, 0).double().unflatten(-1, (3, 12))[..., :9]
    expected = mu.unsqueeze(1) + (0.5 * logvar).exp().unsqueeze(1) * eps.unflatten(-1, (3, 3))
    torch.testing.assert_close(three, expected)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_bad_logvar_stays_in_its_row(bad):
    mu, logvar = moments(5, 4)
    clean = reparameterize_kl(mu, logvar, seed=0, step=0)
    logvar[2, 1] = bad
    z, kl = reparameterize_kl(mu, logvar, seed=0, step=0)
    others = torch.tensor([0, 1, 3, 4])
    assert torch.equal(z[others], clean[0][others])
    assert torch.equal(kl[others], clean[1][others])
    assert not torch.isfinite(kl[2])


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (0, 3, 4)])
def test_empty_batches(shape):
    mu = torch.zeros(shape)
    z, kl = reparameterize_kl(mu, mu, seed=torch.zeros(shape[:-2], dtype=torch.int64), step=0)
    assert z.shape == shape
    assert kl.shape == shape[:-1]
