"""The training loop: order of batches, curves, paired runs, and runs that break."""

import numpy as np
import pytest
import torch

from vae_core import (
    Member,
    OptimizerSettings,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
)
from vae_core.batches import permutations

AE = Member("ae", seed=0, kl_weight=None, recon_weight=1.0)
VAE = Member("vae", seed=0, kl_weight=0.3, recon_weight=1.0)
OTHER = Member("vae", seed=1, kl_weight=0.3, recon_weight=1.0)


def build(dataset, members, architecture="mlp", hidden=(8,), likelihood="gaussian"):
    structure = Structure(architecture, hidden, dataset.image_shape, 2, likelihood)
    return StackedAutoencoders(structure, members)


def trainer_of(model, dataset, epochs=3, batch_size=20, learning_rate=1e-2):
    config = TrainingConfig(epochs, batch_size, learning_rate, "reference")
    return Trainer(model, dataset, config)


def test_an_epoch_is_as_many_whole_batches_as_fit():
    config = TrainingConfig(epochs=3, batch_size=20, learning_rate=1e-3, backend="reference")
    assert config.steps(96) == 12
    assert config.steps(100) == 15
    assert config.steps(19) == 0


def test_a_batch_larger_than_the_data_is_refused(small):
    message = r"^training\.batch_size: 97 is larger than the training set \(96 images\)$"
    with pytest.raises(ValueError, match=message):
        trainer_of(build(small, [AE]), small, batch_size=97)


def test_a_batch_may_be_the_whole_training_set(small):
    history = trainer_of(build(small, [AE]), small, epochs=2, batch_size=96).train()
    assert history.loss.shape == (2, 1)


@pytest.fixture
def spied(small, monkeypatch):
    """A trained cohort with what its model was asked at each step."""
    model = build(small, [AE, VAE, OTHER])
    asked, told, original = [], [], model.losses

    def losses(x, **where):
        asked.append((x.clone(), {**where, "step": int(where["step"])}))
        told.append(original(x, **where))
        return told[-1]

    monkeypatch.setattr(model, "losses", losses)
    history = trainer_of(model, small).train()
    return asked, told, history


def test_every_step_is_numbered_and_draws_training_noise(spied):
    asked, _, _ = spied
    assert [where["step"] for _, where in asked] == list(range(12))
    assert {(where["stream"], where["backend"]) for _, where in asked} == {(0, "reference")}


def test_an_epoch_shows_each_image_at_most_once_in_the_order_of_the_seed(spied, small):
    asked, _, _ = spied
    pixels = small.pixels(small.train_images)
    for epoch in range(3):
        seen = torch.cat([x for x, _ in asked[4 * epoch : 4 * epoch + 4]], dim=1)
        for k, seed in enumerate([0, 0, 1]):
            ((order,),) = permutations(torch.tensor([seed]), range(epoch, epoch + 1), 96)
            assert torch.equal(seen[k], pixels[order[:80]])


def test_curves_are_means_over_the_steps_of_an_epoch(spied):
    _, told, history = spied
    for name in ("loss", "error", "rate"):
        values = torch.stack([getattr(losses, name).detach() for losses in told])
        expected = values.double().view(3, 4, 3).mean(1)
        np.testing.assert_allclose(getattr(history, name), expected, rtol=1e-6)
    assert (history.rate[:, 0] == 0).all()
    assert (history.rate[:, 1:] > 0).all()
    assert history.first_bad_step.tolist() == [-1, -1, -1]


def test_training_lowers_the_loss(small):
    history = trainer_of(build(small, [AE, VAE]), small, epochs=30).train()
    assert (history.loss[-1] < 0.7 * history.loss[0]).all()


def weights(model, k):
    return model.member(k).state_dict()


def without_variance(model):
    """Make every posterior's log-variance −400, at which exp(½ log σ²) is 0 in float32."""
    last = list(model.encoder.children())[-1]
    with torch.no_grad():
        last.weight[..., 2:] = 0
        last.bias[..., 2:] = -400


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@pytest.mark.parametrize(("architecture", "hidden"), [("mlp", (8,)), ("conv", (3,))])
def test_a_vae_without_noise_and_kl_is_the_autoencoder(small, architecture, hidden, likelihood):
    no_kl = Member("vae", seed=0, kl_weight=0.0, recon_weight=1.0)
    model = build(small, [AE, no_kl], architecture, hidden, likelihood)
    before = weights(model, 0)
    without_variance(model)
    history = trainer_of(model, small, epochs=5).train()
    torch.testing.assert_close(weights(model, 0), weights(model, 1), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(history.loss[:, 0], history.loss[:, 1], rtol=1e-6)
    assert not torch.allclose(weights(model, 0)["decoder.0.weight"], before["decoder.0.weight"])


def test_noise_alone_makes_them_differ(small):
    no_kl = Member("vae", seed=0, kl_weight=0.0, recon_weight=1.0)
    model = build(small, [AE, no_kl])
    trainer_of(model, small, epochs=5).train()
    first, second = (weights(model, k)["decoder.0.weight"] for k in (0, 1))
    assert not torch.allclose(first, second, rtol=1e-2)


ARCHITECTURES = [
    ("linear", ()),
    ("mlp", (8,)),
    ("conv", (3,)),
    ("own_networks:residual", (8,)),
    ("own_networks:normalised", (3,)),
]


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(("architecture", "hidden"), ARCHITECTURES)
def test_a_run_that_overflows_leaves_its_mates_bit_identical(small, architecture, hidden):
    absurd = Member("vae", seed=0, kl_weight=0.3, recon_weight=1e38)
    harmless = Member("vae", seed=0, kl_weight=0.3, recon_weight=1.0)
    trained = []
    for middle in (absurd, harmless):
        model = build(small, [AE, middle, OTHER], architecture, hidden)
        history = trainer_of(model, small).train()
        trained.append((model, history))
    (broken, broken_history), (whole, whole_history) = trained
    assert broken_history.first_bad_step.tolist() == [-1, 0, -1]
    assert whole_history.first_bad_step.tolist() == [-1, -1, -1]
    for k in (0, 2):
        torch.testing.assert_close(weights(broken, k), weights(whole, k), rtol=0, atol=0)
        assert np.array_equal(broken_history.loss[:, k], whole_history.loss[:, k])
        assert np.isfinite(broken_history.loss[:, k]).all()


def test_the_first_step_without_a_finite_loss_is_remembered(small, monkeypatch):
    model = build(small, [AE, VAE, OTHER])
    trainer = trainer_of(model, small)
    step = trainer.step

    def poisoned(number):
        if number == 7:
            with torch.no_grad():
                for value in model.decoder.parameters():
                    value[1] = torch.nan
        return step(number)

    monkeypatch.setattr(trainer, "step", poisoned)
    history = trainer.train()
    assert history.first_bad_step.tolist() == [-1, 7, -1]
    assert np.isfinite(history.loss[:, 1]).tolist() == [True, False, False]


def test_the_learning_rate_falls_after_its_milestones(small):
    settings = OptimizerSettings(epsilon=1e-4, milestones=(1, 3), decay=0.5)
    model = build(small, [VAE])
    config = TrainingConfig(4, 24, 0.1, "reference", optimizer=settings)
    trainer, rates = Trainer(model, small, config), []
    step = trainer.step

    (group,) = trainer.optimizer._groups

    def recorded(at):
        rates.append(group["lr"])
        return step(at)

    trainer.step = recorded
    trainer.train()
    steps = trainer.steps_per_epoch
    assert rates == [0.1] * steps + [0.05] * 2 * steps + [0.025] * steps
    assert group["eps"] == 1e-4
