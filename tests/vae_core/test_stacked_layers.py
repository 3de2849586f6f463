"""Every layer that can be stacked: what it does to a member is what the member does alone.

Members have other weights and see other inputs, in float64, so that a mix-up of any kind shows.
"""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from vae_core.stacked_layers import Stacked
from vae_core.stacking import NATIVE, Vmapped, stack

MEMBERS, BATCH = 3, 4


def own(name):
    import own_networks

    return getattr(own_networks, name)(5)


def positive(layer):
    """The layer with exp(its weight) for a weight."""

    class Exp(nn.Module):
        def forward(self, weight):
            return weight.exp()

    return register_parametrization(layer, "weight", Exp())


NATIVE_CASES = {
    "linear": (lambda: nn.Linear(5, 7), (5,)),
    "linear without bias": (lambda: nn.Linear(5, 7, bias=False), (5,)),
    "linear on a sequence": (lambda: nn.Linear(5, 7), (2, 3, 5)),
    "conv": (lambda: nn.Conv2d(2, 6, 3), (2, 7, 6)),
    "conv without bias": (lambda: nn.Conv2d(2, 6, 3, bias=False), (2, 7, 6)),
    "conv in groups": (lambda: nn.Conv2d(4, 6, 3, groups=2), (4, 7, 6)),
    "depthwise conv": (lambda: nn.Conv2d(4, 4, 3, groups=4), (4, 7, 6)),
    "conv with stride": (lambda: nn.Conv2d(2, 6, (3, 2), stride=(2, 1), padding=1), (2, 7, 6)),
    "conv with dilation": (lambda: nn.Conv2d(2, 6, 3, dilation=2, padding=(2, 1)), (2, 7, 6)),
    "conv of same size": (lambda: nn.Conv2d(2, 6, (5, 3), padding="same"), (2, 7, 6)),
    "reflecting": (lambda: nn.Conv2d(2, 6, 3, padding=(2, 1), padding_mode="reflect"), (2, 7, 6)),
    "circular": (lambda: nn.Conv2d(2, 6, 3, padding=1, padding_mode="circular"), (2, 7, 6)),
    "replicating": (lambda: nn.Conv2d(2, 6, 3, padding=1, padding_mode="replicate"), (2, 7, 6)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3), (4, 5, 6)),
    "transposed without bias": (lambda: nn.ConvTranspose2d(4, 6, 3, bias=False), (4, 5, 6)),
    "transposed in groups": (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), (4, 5, 6)),
    "transposed with padding": (
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=(1, 0)),
        (4, 5, 6),
    ),
    "transposed with dilation": (lambda: nn.ConvTranspose2d(4, 6, 3, dilation=(2, 1)), (4, 5, 6)),
    "batch norm": (lambda: nn.BatchNorm1d(5), (5,)),
    "batch norm of a sequence": (lambda: nn.BatchNorm1d(5), (5, 3)),
    "batch norm of images": (lambda: nn.BatchNorm2d(5), (5, 3, 2)),
    "batch norm without weights": (lambda: nn.BatchNorm1d(5, affine=False), (5,)),
    "batch norm without memory": (lambda: nn.BatchNorm1d(5, track_running_stats=False), (5,)),
    "batch norm with all its memory": (lambda: nn.BatchNorm1d(5, momentum=None), (5,)),
    "batch norm with other numbers": (lambda: nn.BatchNorm1d(5, eps=0.1, momentum=0.4), (5,)),
    "group norm": (lambda: nn.GroupNorm(2, 6), (6, 3, 2)),
    "group norm of a vector": (lambda: nn.GroupNorm(3, 6, eps=0.1), (6,)),
    "group norm without weights": (lambda: nn.GroupNorm(2, 6, affine=False), (6, 3)),
    "flatten": (nn.Flatten, (2, 3, 4)),
    "flatten in the middle": (lambda: nn.Flatten(1, 2), (2, 3, 4)),
    "flatten from the end": (lambda: nn.Flatten(-2, -1), (2, 3, 4)),
    "unflatten": (lambda: nn.Unflatten(1, (2, 3)), (6, 4)),
    "unflatten from the end": (lambda: nn.Unflatten(-1, (2, -1)), (3, 6)),
    "identity": (nn.Identity, (5,)),
    "relu": (nn.ReLU, (5,)),
    "leaky relu": (lambda: nn.LeakyReLU(0.3), (5,)),
    "elu": (lambda: nn.ELU(0.5), (5,)),
    "gelu": (lambda: nn.GELU("tanh"), (5,)),
    "silu": (nn.SiLU, (5,)),
    "softplus": (lambda: nn.Softplus(2), (5,)),
    "tanh": (nn.Tanh, (5,)),
    "sigmoid": (nn.Sigmoid, (5,)),
    "sequence": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
            nn.Sequential(nn.Flatten(), nn.Linear(24, 6)), nn.Tanh(), nn.Unflatten(1, (3, 2, 1)),
            nn.ConvTranspose2d(3, 2, 2),
        ),
        (2, 3, 2),
    ),
}  # fmt: skip
VMAPPED_CASES = {
    "layer norm": (lambda: nn.LayerNorm(5), (3, 5)),
    "parametric relu": (lambda: nn.PReLU(4), (4, 3)),
    "pooling": (lambda: nn.MaxPool2d(2), (2, 4, 6)),
    "upsampling": (lambda: nn.Upsample(scale_factor=2), (2, 3, 2)),
    "a user's own layer": (lambda: own("Residual"), (5,)),
    "a layer that ties weights": (lambda: own("Tied"), (5,)),
    "a parametrized layer": (lambda: positive(nn.Linear(5, 7)), (5,)),
}
CASES = NATIVE_CASES | VMAPPED_CASES

pytestmark = pytest.mark.usefixtures("importable")


@pytest.fixture(params=CASES)
def case(request):
    """Members with random weights and statistics, their stack, and an input for each."""
    make, shape = CASES[request.param]
    torch.manual_seed(0)
    members = [_randomised(make().double()) for _ in range(MEMBERS)]
    x = torch.randn(MEMBERS, BATCH, *shape, dtype=torch.float64, requires_grad=True)
    return members, stack(members), x


def _randomised(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for value in (*module.parameters(), *module.buffers()):
            if value.is_floating_point():
                value.uniform_(0.5, 1.5)
    return module


def gradients_in_member_layout(stacked: Stacked, k: int) -> dict[str, torch.Tensor]:
    """Gradients of member ``k``, read like its weights."""
    as_weights = copy.deepcopy(stacked)
    for mine, theirs in zip(as_weights.parameters(), stacked.parameters(), strict=True):
        mine.data = theirs.grad
    return as_weights.member_state(k)


def test_outputs_and_gradients_are_those_of_each_member(case):
    members, stacked, x = case
    output = stacked(x)
    pull = torch.randn_like(output)
    (output * pull).sum().backward()
    for k, member in enumerate(members):
        alone = x[k].detach().requires_grad_()
        expected = member(alone)
        (expected * pull[k]).sum().backward()
        torch.testing.assert_close(output[k], expected, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(x.grad[k], alone.grad, rtol=1e-10, atol=1e-10)
        stacked_gradients = gradients_in_member_layout(stacked, k)
        for name, value in member.named_parameters():
            torch.testing.assert_close(stacked_gradients[name], value.grad, rtol=1e-9, atol=1e-9)


def test_a_member_is_given_back_as_it_came(case):
    members, stacked, _ = case
    for k, member in enumerate(members):
        state = stacked.member_state(k)
        assert list(state) == list(member.state_dict())
        for name, value in member.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=0, atol=0)
        member.load_state_dict(state)


def test_every_weight_is_trained_once_and_none_lacks_storage(case):
    members, stacked, _ = case
    count = sum(value.numel() for value in members[0].parameters())
    assert sum(value.numel() for value in stacked.parameters()) == MEMBERS * count
    assert not any(value.is_meta for value in (*stacked.parameters(), *stacked.buffers()))
    templates = [part._template[0] for part in stacked.modules() if hasattr(part, "_template")]
    assert all(value.is_meta for template in templates for value in template.state_dict().values())


def test_weights_of_a_member_are_copies(case):
    members, stacked, _ = case
    state = stacked.member_state(1)
    before = {name: value.clone() for name, value in state.items()}
    with torch.no_grad():
        for value in (*stacked.parameters(), *members[1].parameters()):
            value.add_(1)
    torch.testing.assert_close(state, before, rtol=0, atol=0)


class Wrapped(nn.Module):
    """Hides a layer from the table of native ones."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


NORMS = [name for name in CASES if name.startswith("batch norm")]
# torch's own cumulative average reads a number off a tensor, which vmap refuses.
VMAPPED_NORMS = [name for name in NORMS if name != "batch norm with all its memory"]


@pytest.mark.parametrize(
    ("name", "wrap"),
    [*[(name, nn.Sequential) for name in NORMS], *[(name, Wrapped) for name in VMAPPED_NORMS]],
)
def test_running_statistics_are_kept_for_each_member(name, wrap):
    make, shape = CASES[name]
    torch.manual_seed(0)
    members = [_randomised(wrap(make().double())) for _ in range(MEMBERS)]
    stacked = stack(members)
    assert isinstance(stacked, Vmapped) == (wrap is Wrapped)
    offset = torch.arange(MEMBERS).double().view(-1, *[1] * (len(shape) + 1))
    for step in range(3):
        x = torch.randn(MEMBERS, BATCH, *shape, dtype=torch.float64) * (step + 1) + offset
        output = stacked(x)
        for k, member in enumerate(members):
            torch.testing.assert_close(output[k], member(x[k]))
    for k, member in enumerate(members):
        torch.testing.assert_close(stacked.member_state(k), dict(member.state_dict()))

    before = [stacked.member_state(k) for k in range(MEMBERS)]
    output = stacked.eval()(x)
    for k, member in enumerate(members):
        torch.testing.assert_close(output[k], member.eval()(x[k]))
        torch.testing.assert_close(stacked.member_state(k), before[k], rtol=0, atol=0)


def test_every_native_layer_is_tried_above():
    tried = {type(make()) for make, _ in NATIVE_CASES.values()}
    assert tried == set(NATIVE)
    assert not {type(make()) for make, _ in list(VMAPPED_CASES.values())[:4]} & set(NATIVE)


def test_a_stack_moves_to_another_precision_as_a_whole():
    stacked = stack([nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)) for _ in range(2)])
    assert stacked.double()(torch.rand(2, 4, 1, 5, 5).double()).dtype == torch.float64


def test_the_base_says_what_a_new_layer_has_to_bring():
    class Incomplete(Stacked):
        pass

    with pytest.raises(NotImplementedError, match="Incomplete must say how a member's weights"):
        Incomplete().member_state(0)
