"""Black and white images drawn from grey ones."""

import pytest
import torch

from vae_core import Member, StackedAutoencoders, Structure, Trainer, TrainingConfig
from vae_core.data.binarize import MODES, binarize, draw_binary


def test_pixels_are_white_as_often_as_they_are_bright():
    x = torch.linspace(0, 1, 11).view(1, 1, 1, 1, 11).expand(1, 20_000, 1, 1, 11)
    share = draw_binary(x, torch.tensor([3]), 0).mean(1).flatten()
    torch.testing.assert_close(share, torch.linspace(0, 1, 11), rtol=0, atol=0.015)
    assert share[0] == 0
    assert share[-1] == 1


def test_a_draw_is_that_of_the_seed_and_the_step():
    x = torch.full((2, 4, 1, 8, 8), 0.5)
    seeds = torch.tensor([1, 2])
    drawn = draw_binary(x, seeds, 5)
    assert torch.equal(drawn, draw_binary(x, seeds, 5))
    assert torch.equal(drawn[1], draw_binary(x[1:], seeds[1:], 5)[0])
    assert not torch.equal(drawn, draw_binary(x, seeds, 6))
    assert not torch.equal(drawn[0], drawn[1])


def test_what_is_drawn_once_and_what_stays_grey(small):
    names = {mode: binarize(small, mode) for mode in MODES}
    assert names["none"] is small
    for mode in ("fixed", "dynamic"):
        pixels = names[mode].pixels(names[mode].test_images)
        assert set(pixels.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(names["fixed"].test_images, names["dynamic"].test_images)
    assert torch.equal(names["dynamic"].train_images, small.train_images)
    assert set(names["fixed"].train_images.unique().tolist()) == {0, small.levels}
    assert len({data.content_hash for data in names.values()}) == 3


@pytest.mark.parametrize("binary", [False, True])
def test_training_sees_binary_images_where_it_is_asked_to(small, binary):
    structure = Structure("mlp-tanh", (8,), small.image_shape, 2, "bernoulli")
    model = StackedAutoencoders(structure, [Member("vae", 0, 1.0, 1.0)])
    seen = []
    model.encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    Trainer(model, small, TrainingConfig(1, 24, 1e-3, "reference", binarize=binary)).train()
    values = torch.cat([x.flatten() for x in seen]).unique().tolist()
    assert (set(values) == {0.0, 1.0}) is binary
