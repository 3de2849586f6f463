"""How good models are: a small sweep over seeds, and what theory says of a linear model."""

from dataclasses import replace

import torch
from torch.distributions import Normal, kl_divergence

from bench.measure.forward import ask
from bench.metrics import gaussian_kl
from bench.plan import SweepSpec
from kernels import reparameterize_kl
from vae_core import Member, StackedAutoencoders, Structure, Trainer, TrainingConfig, load_dataset
from vae_core.closed_form import LinearOptimum, covariance_eigenvalues, pca_squared_error
from vae_core.data.linear_gaussian import TRUTH

SWEEP = SweepSpec(
    name="gate",
    model={"hidden": [64]},
    sweep={
        "objective": ["ae", "vae"],
        "latent_dim": [8],
        "kl_weight": [0.1],
        "seed": list(range(8)),
    },
    training={"epochs": 20},
    metrics={"throughput": False, "geometry": False, "rate_decomposition": False},
)


def test_sweep(vae_gate):
    runs = vae_gate.sweep(SWEEP)
    assert (runs["status"] == "ok").all()


def moments():
    generator = torch.Generator().manual_seed(0)
    mu = torch.randn(4, 64, 8, generator=generator)
    return mu, torch.randn(4, 64, 8, generator=generator) - 1


def test_kl_and_its_gradient(vae_gate):
    mu, logvar = (part.requires_grad_() for part in moments())
    _, kl = reparameterize_kl(mu, logvar, seed=0, step=0)
    kl.mean().backward()
    found = [kl.mean().item(), mu.grad.norm().item(), logvar.grad.norm().item()]

    exact_mu, exact_logvar = (part.double().requires_grad_() for part in moments())
    posterior = Normal(exact_mu, (0.5 * exact_logvar).exp())
    exact = kl_divergence(posterior, Normal(0.0, 1.0)).sum(-1).mean()
    exact.backward()
    truth = [exact.item(), exact_mu.grad.norm().item(), exact_logvar.grad.norm().item()]

    names = ("nats", "gradient of mu", "gradient of logvar")
    for name, measured, expected in zip(names, found, truth, strict=True):
        vae_gate.closed_form(name, measured, expected, tolerance=1e-4)
    metric = float(gaussian_kl(*(part.reshape(-1, 8).numpy() for part in moments())).mean())
    vae_gate.closed_form("metric, nats", metric, truth[0], tolerance=1e-4)


LINEAR_DIM = 4
RECON_WEIGHT = 1 / (2 * TRUTH.noise_scale**2)
KL_WEIGHTS = (1.0, 4.0)
LEARNING_RATES = ((5e-2, 200), (1e-2, 100), (1e-3, 100), (1e-4, 50))
"""And for how many epochs: the last make Adam come to rest, within 0.3 % of the optimum."""


def test_linear_optimum(vae_gate):
    """Evaluated on its own training images, of which the optimum is known exactly."""
    drawn = load_dataset("linear-gaussian", train_size=1_000)
    dataset = replace(drawn, test_images=drawn.train_images)
    members = [Member("ae", 0, None, RECON_WEIGHT)]
    members += [Member("vae", 0, weight, RECON_WEIGHT) for weight in KL_WEIGHTS]
    structure = Structure("linear", (), dataset.image_shape, LINEAR_DIM, "gaussian")
    model = StackedAutoencoders(structure, members)
    for learning_rate, epochs in LEARNING_RATES if vae_gate.measures else ((5e-2, 1),):
        Trainer(model, dataset, TrainingConfig(epochs, 250, learning_rate, "reference")).train()
    answers = ask(model, dataset, prior_samples=2, backend="reference")

    eigenvalues = covariance_eigenvalues(dataset.test_images.flatten(1).double().numpy())
    error = float(answers.member(0).squared_error_at_mean.mean())
    least = pca_squared_error(eigenvalues, LINEAR_DIM)
    vae_gate.closed_form("ae error", error, least, tolerance=1e-3)
    for k, weight in enumerate(KL_WEIGHTS, start=1):
        answer = answers.member(k)
        optimum = LinearOptimum(eigenvalues, LINEAR_DIM, weight, 1 / (2 * RECON_WEIGHT))
        rate = float(gaussian_kl(answer.test_mu, answer.test_logvar).mean())
        error = float(answer.squared_error_at_mean.mean())
        label = f"vae, KL weight {weight:g}"
        vae_gate.closed_form(f"{label}: rate", rate, optimum.rate_nats, tolerance=5e-3)
        expected = optimum.squared_error_at_mean
        vae_gate.closed_form(f"{label}: error", error, expected, tolerance=2e-3)
