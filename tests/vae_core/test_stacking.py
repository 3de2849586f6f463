"""Which modules can be stacked, and that layers met in user code are never silently left out."""

import pytest
import torch
from torch import nn

from vae_core import StackingError, stack, stacking
from vae_core.stacking import StackedSequential, Vmapped


def members_of(make, count=2):
    torch.manual_seed(0)
    return [make().double() for _ in range(count)]


def assert_stacked_equals_alone(members, *shape):
    stacked = stack(members)
    x = torch.randn(len(members), 4, *shape, dtype=torch.float64)
    expected = torch.stack([member(x[k]) for k, member in enumerate(members)])
    torch.testing.assert_close(stacked(x), expected)
    return stacked


def test_a_stack_of_one_is_a_stack():
    stacked = assert_stacked_equals_alone(members_of(lambda: nn.Linear(3, 2), count=1), 3)
    assert stacked.weight.shape == (1, 3, 2)


def test_nothing_cannot_be_stacked():
    with pytest.raises(StackingError, match=r"^nothing to stack: at least one module is needed$"):
        stack([])


@pytest.mark.parametrize(
    "other",
    [
        nn.Linear(3, 3),
        nn.Linear(3, 2, bias=False),
        nn.Linear(3, 2).double(),
        nn.Conv2d(3, 2, 1),
    ],
    ids=["shape", "bias", "precision", "class"],
)
def test_unequal_modules_are_refused(other):
    message = "^member 2 differs in structure from member 0: stack equal modules only$"
    with pytest.raises(StackingError, match=message):
        stack([nn.Linear(3, 2), nn.Linear(3, 2), other])


def test_unequal_hyperparameters_are_refused():
    with pytest.raises(StackingError, match="member 1 differs in structure"):
        stack([nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(3, 2, 3, padding=0)])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.Dropout(0.1), "Dropout"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout2d(0.1))),
            r"layer 1\.0 \(Dropout2d\)",
        ),
        (nn.AlphaDropout(0.1), "AlphaDropout"),
    ],
    ids=["dropout", "nested", "alpha"],
)
def test_dropout_is_refused_by_its_place(module, name):
    with pytest.raises(StackingError, match=f"^{name}: dropout draws from one random stream"):
        stack([module, module])


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_hook_on_a_gradient_is_refused_not_lost(register):
    network = nn.Sequential(nn.Linear(2, 2))
    getattr(network[0].weight, register)(lambda grad: grad)
    with pytest.raises(StackingError, match=r"^weight 0\.weight: has a hook on its gradient"):
        stack([network, network])


class Noisy(nn.Module):
    """Draws random numbers where no table of layers can see it."""

    def forward(self, x):
        return x + torch.randn_like(x)


def test_hidden_randomness_is_an_error_not_a_dependence_on_the_stack():
    stacked = stack([Noisy(), Noisy()])
    with pytest.raises(RuntimeError, match=r"random operation while in randomness error mode"):
        stacked(torch.zeros(2, 3))


def test_one_activation_used_twice_acts_twice():
    def make():
        activation = nn.ReLU()
        return nn.Sequential(
            nn.Linear(3, 5), activation, nn.Linear(5, 5), activation, nn.Linear(5, 2)
        )

    stacked = assert_stacked_equals_alone(members_of(make), 3)
    assert isinstance(stacked, StackedSequential)
    assert len(list(stacked.children())) == 5


def test_layers_that_share_a_weight_go_on_sharing_it():
    def make():
        shared = nn.Linear(3, 3)
        return nn.Sequential(shared, nn.Tanh(), shared)

    members = members_of(make)
    stacked = assert_stacked_equals_alone(members, 3)
    assert sum(value.numel() for value in stacked.parameters()) == 2 * 12

    with torch.no_grad():  # a step along the gradient keeps them equal
        for value in stacked.parameters():
            value.mul_(2)
    state = stacked.member_state(1)
    torch.testing.assert_close(state["0.weight"], state["2.weight"])
    members[1].load_state_dict(state)
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(stacked(x)[1], members[1](x[1]))


def test_a_buffer_that_is_not_saved_is_used_and_not_given_back():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.rand(3), persistent=False)

        def forward(self, x):
            return x * self.scale

    stacked = assert_stacked_equals_alone(members_of(Scaled), 3)
    assert stacked.member_state(0) == {}


class Within(nn.Module):
    """A linear layer inside a module that no table knows."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        return self.linear(x)


def frozen(module):
    for name, value in module.named_parameters():
        value.requires_grad_(not name.endswith("weight"))
    return module


@pytest.mark.parametrize(
    "make", [lambda: nn.Linear(3, 2), lambda: nn.Conv2d(3, 2, 1), lambda: nn.BatchNorm1d(3), Within]
)
def test_a_weight_that_is_not_trained_alone_is_not_trained_stacked(make):
    stacked = stack([frozen(make()), frozen(make())])
    trained = {name: value.requires_grad for name, value in stacked.named_parameters()}
    assert sorted(trained.values()) == [False, True]


def test_an_unknown_module_is_vmapped_and_its_parts_with_it():
    assert isinstance(assert_stacked_equals_alone(members_of(Within), 3), Vmapped)


def test_a_subclass_of_a_known_layer_is_not_mistaken_for_it():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    assert isinstance(assert_stacked_equals_alone(members_of(lambda: Doubled(3, 2)), 3), Vmapped)


def test_a_layer_whose_hook_changes_what_it_gives_is_not_mistaken_for_one_without():
    def make():
        layer = nn.Linear(3, 2)
        layer.register_forward_hook(lambda module, given, output: 2 * output)
        return nn.Sequential(layer, nn.Tanh())

    assert_stacked_equals_alone(members_of(make), 3)


def test_the_members_keep_their_weights_when_the_stack_trains():
    members = members_of(lambda: nn.Sequential(nn.Linear(3, 3), Within()))
    before = [[value.clone() for value in member.parameters()] for member in members]
    with torch.no_grad():
        for value in stack(members).parameters():
            value.zero_()
    for member, values in zip(members, before, strict=True):
        torch.testing.assert_close(list(member.parameters()), values)


def test_linear_layers_with_relu_between_are_one_op_where_it_runs(monkeypatch):
    """Another activation ends a chain, and so does a ReLU that nothing linear follows."""
    chains = []

    def one_op(x, weights, biases):
        chains.append(len(weights))
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            x = torch.bmm(x.relu() if index else x, weight)
            x = x if bias is None else x + bias
        return x

    monkeypatch.setattr(stacking, "takes_triton", lambda device: True)
    monkeypatch.setattr(stacking, "can_fuse", lambda x, weights, biases: True)
    monkeypatch.setattr(StackedSequential, "by_kernels", True)
    monkeypatch.setattr(stacking, "stacked_mlp", one_op)
    members = members_of(
        lambda: nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4, bias=False), nn.ReLU(), nn.Linear(4, 3)),
            *(nn.Tanh(), nn.Linear(3, 6), nn.ReLU()),
            *(nn.Unflatten(1, (2, 3)), nn.Linear(3, 2), nn.Linear(2, 2)),
        )
    )
    assert_stacked_equals_alone(members, 3, 4)
    assert chains == [3, 1, 1, 1]
