import numpy as np
import pytest
import torch
from torch import nn

from bench.metrics import MetricError, decoder_jacobian_norm, decoder_jacobian_norms


@pytest.fixture(scope="module")
def decoder():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 20), nn.Unflatten(1, (4, 5)))


@pytest.fixture(scope="module")
def codes():
    return torch.randn(7, 3, generator=torch.Generator().manual_seed(1))


def test_the_norm_of_a_linear_decoder_is_that_of_its_matrix(codes):
    weights = torch.tensor([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    norms = decoder_jacobian_norms(lambda z: z @ weights.T + 1, codes)
    assert norms == pytest.approx([5.0] * 7)


def test_every_norm_is_that_of_the_whole_jacobian_by_reverse_mode(decoder, codes):
    expected = [
        torch.autograd.functional.jacobian(decoder, code[None]).square().sum().sqrt().item()
        for code in codes
    ]
    norms = decoder_jacobian_norms(decoder, codes)
    assert norms == pytest.approx(expected, rel=1e-5)
    assert decoder_jacobian_norm(decoder, codes) == pytest.approx(np.mean(expected), rel=1e-5)
    assert np.std(expected) > 0.01


def test_an_array_scores_as_a_tensor(decoder, codes):
    assert decoder_jacobian_norm(decoder, codes.double().numpy()) == pytest.approx(
        decoder_jacobian_norm(decoder, codes)
    )


def test_a_decoder_of_convolutions_is_differentiated(codes):
    torch.manual_seed(2)
    decoder = nn.Sequential(
        nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)), nn.ReLU(), nn.ConvTranspose2d(2, 1, 4, 2, 1),
        nn.Sigmoid(),
    )  # fmt: skip
    norms = [torch.autograd.functional.jacobian(decoder, z[None]).norm().item() for z in codes]
    assert decoder_jacobian_norms(decoder, codes) == pytest.approx(norms, rel=1e-5)


def test_in_units_of_the_codes_spread_their_scale_does_not_matter(decoder, codes):
    stretch = torch.tensor([0.1, 1.0, 100.0])

    def stretched(z):
        return decoder(z / stretch)

    spread = codes.std(dim=0)
    assert decoder_jacobian_norm(stretched, codes * stretch, spread * stretch) == pytest.approx(
        decoder_jacobian_norm(decoder, codes, spread), rel=1e-4
    )
    assert decoder_jacobian_norm(stretched, codes * stretch) != pytest.approx(
        decoder_jacobian_norm(decoder, codes), rel=0.1
    )


def test_a_decoder_that_ignores_its_code_has_norm_zero(codes):
    assert decoder_jacobian_norm(lambda z: 0 * z + 1, codes) == 0.0


def test_no_gradient_is_left_behind(decoder, codes):
    decoder_jacobian_norm(decoder, codes)
    assert all(parameter.grad is None for parameter in decoder.parameters())


def test_a_decoder_without_a_gradient_is_named(decoder, codes):
    with pytest.raises(MetricError, match="the decoded images carry no gradient of the codes"):
        decoder_jacobian_norm(lambda z: decoder(z).detach(), codes)


def test_codes_are_left_as_they_were(decoder, codes):
    kept = codes.clone()
    decoder_jacobian_norm(decoder, codes)
    assert not codes.requires_grad
    assert torch.equal(codes, kept)


@pytest.mark.parametrize(
    ("codes", "scale", "message"),
    [
        (np.ones(3), None, r"codes has shape \(3,\)"),
        (np.full((2, 3), np.nan), None, "codes holds NaN"),
        (np.ones((2, 3)), np.ones(2), r"scale has shape \(2,\); \[3\] is needed"),
    ],
)
def test_bad_input_is_named(codes, scale, message):
    with pytest.raises(MetricError, match=message):
        decoder_jacobian_norm(lambda z: z, codes, scale)
