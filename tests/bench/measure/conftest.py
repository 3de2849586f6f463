"""A small sweep on real digits, and a cohort trained on it."""

import pytest
import torch

from bench.measure.forward import ask
from bench.measure.latents import PATH_POINTS, straight_paths
from bench.measure.reference import Reference
from bench.measure.subject import Subject
from bench.plan import MetricsSpec
from vae_core import (
    Dataset,
    Member,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
    load_dataset,
)

torch.set_num_threads(1)

AE = Member("ae", seed=0, kl_weight=None, recon_weight=1.0)
VAE = Member("vae", seed=0, kl_weight=0.1, recon_weight=2.0)
OTHER = Member("vae", seed=1, kl_weight=1.0, recon_weight=1.0)


@pytest.fixture(scope="session")
def small() -> Dataset:
    """128 training and 40 test digits."""
    return load_dataset("digits", train_size=128, test_size=40)


@pytest.fixture(scope="session")
def reference(small) -> Reference:
    return Reference(small, MetricsSpec())


@pytest.fixture(scope="session")
def train(small):
    """Train an AE and two VAEs, the last with another seed, for a few epochs."""

    def train(likelihood="gaussian", latent_dim=3, epochs=10) -> StackedAutoencoders:
        structure = Structure("mlp", (12,), small.image_shape, latent_dim, likelihood)
        model = StackedAutoencoders(structure, [AE, VAE, OTHER])
        Trainer(model, small, TrainingConfig(epochs, 32, 1e-2, "reference")).train()
        return model

    return train


@pytest.fixture(scope="session")
def trained(train) -> StackedAutoencoders:
    return train()


@pytest.fixture(scope="session")
def subject_of():
    """Ask one member of a model, and decode the lines between its test codes."""

    def subject_of(model, k, reference) -> Subject:
        asked = ask(
            model,
            reference.dataset,
            prior_samples=reference.sample_count,
            backend="reference",
        )
        single, answers = model.member(k), asked.member(k)
        paths = torch.from_numpy(straight_paths(answers.test_mu, reference.pairs, PATH_POINTS))
        with torch.no_grad():
            images = single.decode(paths.flatten(0, 1)).reshape(*paths.shape[:2], -1).numpy()
        return Subject(model.structure, model.members[k], single, answers, images)

    return subject_of
