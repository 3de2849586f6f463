"""A run does not know who shares its stack: 50 steps in any cohort give the weights of 50 alone.

Alone means twice: as a cohort of one, and as a plain loop over ordinary modules written here, which
shares nothing with the engine but the definition of batches and noise.
"""

import pytest
import torch
import torch.nn.functional as F

from kernels import philox_normal
from vae_core import Dataset, Member, StackedAutoencoders, Structure, Trainer, TrainingConfig
from vae_core.batches import permutations
from vae_core.model import initial_networks

EPOCHS, BATCH, LEARNING_RATE = 13, 24, 1e-3  # 4 steps an epoch, 52 in all

AE_0 = Member("ae", seed=0, kl_weight=None, recon_weight=1.0)
AE_1 = Member("ae", seed=1, kl_weight=None, recon_weight=3.0)
VAE_0 = Member("vae", seed=0, kl_weight=0.1, recon_weight=1.0)
VAE_0_STRONG = Member("vae", seed=0, kl_weight=2.0, recon_weight=1.0)
VAE_1 = Member("vae", seed=1, kl_weight=0.1, recon_weight=0.5)

EVERYBODY = [AE_0, AE_1, VAE_0, VAE_0_STRONG, VAE_1]
COHORTS = [[AE_1, AE_0, VAE_1, VAE_0_STRONG, VAE_0], [AE_0, VAE_0], [VAE_1, VAE_0]]


class Float64(Dataset):
    """Images in double precision."""

    def pixels(self, images):
        return images.double() / self.levels


NETWORKS = [
    ("linear", (), "gaussian"),
    ("mlp", (16, 8), "gaussian"),
    ("mlp", (16,), "bernoulli"),
    ("conv", (4, 3), "gaussian"),
    ("conv", (3,), "bernoulli"),
    ("own_networks:residual", (8,), "gaussian"),
    ("own_networks:normalised", (3,), "bernoulli"),
    ("own_networks:tied", (8,), "gaussian"),
    ("own_networks:choosy", (8,), "gaussian"),
    ("own_networks:remembering", (8,), "gaussian"),
]


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda row: f"{row[0]}-{row[2]}")
def structure(request, small, importable):
    architecture, hidden, likelihood = request.param
    return Structure(architecture, hidden, small.image_shape, 3, likelihood)


@pytest.fixture(scope="module")
def dataset(structure, small):
    # Batch normalisation and Adam blow up the rounding of float32 to 1e-3 in so many steps.
    return Float64(**vars(small)) if "normalised" in structure.architecture else small


@pytest.fixture(scope="module")
def together(structure, dataset):
    """Every member's weights after training in one cohort."""
    return trained(structure, EVERYBODY, dataset)


def trained(structure, members, dataset):
    """Weights and statistics of each member after training together."""
    model = StackedAutoencoders(structure, members).to(dtype_of(dataset))
    Trainer(model, dataset, TrainingConfig(EPOCHS, BATCH, LEARNING_RATE, "reference")).train()
    encoders, decoders = model.encoder, model.decoder
    return {
        member: named(encoders.member_state(k), decoders.member_state(k))
        for k, member in enumerate(members)
    }


def plain_loop(structure, member, dataset):
    """The same run as one writes it without a suite."""
    encoder, decoder = (
        network.to(dtype_of(dataset)) for network in initial_networks(structure, member.seed)
    )
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], LEARNING_RATE)
    images = dataset.train_images.to(dtype_of(dataset)) / dataset.levels
    step = 0
    for epoch in range(EPOCHS):
        seeds = torch.tensor([member.seed])
        ((order,),) = permutations(seeds, range(epoch, epoch + 1), len(images))
        for rows in order.split(BATCH):
            x = images[rows]
            mu, logvar = encoder(x).chunk(2, dim=1)
            z, kl = mu, torch.zeros(())
            if member.objective == "vae":
                noise = philox_normal(mu.shape, member.seed, step, 0)
                z = mu + torch.exp(logvar / 2) * noise
                kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum() / len(x)
            if structure.likelihood == "gaussian":
                error = F.mse_loss(decoder(z), x, reduction="sum") / len(x)
            else:
                error = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") / len(x)
            optimizer.zero_grad()
            (member.recon_weight * error + (member.kl_weight or 0) * kl).backward()
            optimizer.step()
            step += 1
    return named(encoder.state_dict(), decoder.state_dict())


def named(encoder, decoder):
    """One table of both networks' weights and statistics."""
    parts = {"encoder": encoder, "decoder": decoder}
    return {f"{part}.{name}": value for part, s in parts.items() for name, value in s.items()}


def dtype_of(dataset):
    return torch.float64 if isinstance(dataset, Float64) else torch.float32


def assert_same_weights(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        difference = (found[name] - value).double().norm()
        assert difference <= 1e-4 * value.double().norm(), name


@pytest.mark.parametrize("member", [AE_0, VAE_0_STRONG, VAE_1], ids=["ae", "strong", "vae1"])
def test_a_run_in_a_cohort_is_the_run_alone(structure, together, dataset, member):
    assert_same_weights(together[member], trained(structure, [member], dataset)[member])


@pytest.mark.parametrize("members", COHORTS, ids=["reordered", "one seed", "VAEs"])
def test_who_else_is_in_the_cohort_changes_nothing(structure, together, dataset, members):
    for member, weights in trained(structure, members, dataset).items():
        assert_same_weights(weights, together[member])


@pytest.mark.parametrize("member", [AE_1, VAE_0, VAE_1], ids=["ae1", "vae", "vae1"])
def test_a_run_is_a_plain_loop_over_ordinary_modules(structure, together, dataset, member):
    assert_same_weights(together[member], plain_loop(structure, member, dataset))


def test_other_numbers_give_other_runs(together):
    pairs = [(AE_0, AE_1), (AE_0, VAE_0), (VAE_0, VAE_0_STRONG), (VAE_0, VAE_1)]
    for member, other in pairs:
        with pytest.raises(AssertionError):
            assert_same_weights(together[member], together[other])
