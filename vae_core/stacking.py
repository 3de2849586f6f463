"""Turn K equal modules into one module that runs all of them at once.

``stack([m_0, …, m_{K-1}])`` maps ``[K, B, …]`` to ``[K, B, …]``: slice k of the output is what m_k
makes of slice k of the input. Layers listed in ``NATIVE`` become stacked counterparts in the layout
that is fast to multiply; any other module runs under ``torch.func.vmap``. Nothing here knows what
the modules are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from kernels.backend import takes_triton
from kernels.mlp import can_fuse, stacked_mlp
from vae_core.stacked_layers import (
    Stacked,
    StackedBatchNorm,
    StackedConv2d,
    StackedConvTranspose2d,
    StackedFlatten,
    StackedGroupNorm,
    StackedLinear,
    StackedUnflatten,
    Stateless,
    split_axis,
    without_storage,
)


class StackingError(ValueError):
    """The modules cannot be run as one: they differ, or their result would depend on the stack."""


def stack(members: Sequence[nn.Module]) -> Stacked:
    """Make one module of K equal ones.

    Parameters
    ----------
    members
        Modules of the same class and shapes, in evaluation order of the leading axis.

    Returns
    -------
    Stacked
        Maps ``[K, B, …]`` to ``[K, B, …]``; its weights are copies.

    Raises
    ------
    StackingError
        When there is no member, the members differ in structure, or one draws random numbers
        (dropout): its result would depend on which members share the stack. When a parameter has a
        hook on its gradient.
    """
    if not members:
        raise StackingError("nothing to stack: at least one module is needed")
    first = members[0]
    described = repr(first)
    for index, other in enumerate(members[1:], start=1):
        if repr(other) != described or _shapes(other) != _shapes(first):
            raise StackingError(
                f"member {index} differs in structure from member 0: stack equal modules only"
            )
    for name, module in first.named_modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            raise StackingError(
                f"{_place(name, module)}: dropout draws from one random stream for all, "
                "so a run would depend on the runs beside it; build the network without it"
            )
    for name, parameter in first.named_parameters():
        if parameter._backward_hooks or parameter._post_accumulate_grad_hooks:
            raise StackingError(
                f"weight {name}: has a hook on its gradient, which stacked weights, being copies, "
                "would lose; freeze it with requires_grad_(False), or use a parametrization"
            )
    # Weights that layers share cannot be stacked layer by layer, and a hook may do anything.
    if _other_names(first) or _has_hooks(first):
        return Vmapped(members)
    return NATIVE.get(type(first), Vmapped)(members)


def _place(name: str, module: nn.Module) -> str:
    """A layer by its class and where it stands in its network."""
    kind = type(module).__name__
    return f"layer {name} ({kind})" if name else kind


def _other_names(module: nn.Module) -> dict[str, str]:
    """Further names of parameters and buffers that stand in several places, to the first one."""
    named = [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]
    first: dict[int, str] = {}
    for name, value in named:
        first.setdefault(id(value), name)
    return {name: first[id(value)] for name, value in named if first[id(value)] != name}


def _has_hooks(module: nn.Module) -> bool:
    """Whether a call of the module is more than its ``forward``."""
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )


def _shapes(module: nn.Module) -> list[tuple[str, torch.Size, torch.dtype]]:
    return [(name, value.shape, value.dtype) for name, value in module.state_dict().items()]


class StackedSequential(Stacked):
    """``nn.Sequential`` of stacked layers.

    With ``by_kernels`` linear layers with ReLU between are one op where Triton runs.
    """

    by_kernels = False

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        # Not named_children(): it leaves out a layer that stands in the chain a second time.
        for name in members[0]._modules:
            self.add_module(name, stack([member.get_submodule(name) for member in members]))

    def forward(self, x: Tensor) -> Tensor:
        layers = cast("list[Stacked]", list(self._modules.values()))
        can_run = self.by_kernels and takes_triton(x.device)
        at = 0
        while at < len(layers):
            chain = _chain(layers[at:]) if can_run else []
            weights, biases = [c.weight for c in chain], [c.bias for c in chain]
            if chain and can_fuse(x, weights, biases):
                rows = stacked_mlp(x.flatten(1, -2), weights, biases)
                x = split_axis(rows, 1, *x.shape[1:-1])
                at += 2 * len(chain) - 1
            else:
                x = layers[at](x)
                at += 1
        return x

    def member_state(self, k: int) -> dict[str, Tensor]:
        return {
            f"{name}.{key}": value
            for name, layer in self.named_children()
            for key, value in cast("Stacked", layer).member_state(k).items()
        }


def _chain(layers: Sequence[Stacked]) -> list[StackedLinear]:
    """The linear layers that a sequence begins with, as far as one ReLU stands between two."""
    linear: list[StackedLinear] = []
    for layer, after in zip_longest(layers[::2], layers[1::2]):
        if not isinstance(layer, StackedLinear):
            break
        linear.append(layer)
        if not (isinstance(after, Stateless) and type(after.layer) is nn.ReLU):
            break
    return linear


class Vmapped(Stacked):
    """Any other module, under ``torch.func.vmap`` over its stacked parameters and buffers."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        parameters = dict(members[0].named_parameters())
        self._parameter_names = tuple(parameters)
        self._buffer_names = tuple(name for name, _ in members[0].named_buffers())
        # Not stack_module_state: it refuses parametrized modules, each of a class of its own.
        self.stacked_parameters = nn.ParameterList(
            nn.Parameter(
                torch.stack([member.get_parameter(name).detach() for member in members]),
                requires_grad=parameters[name].requires_grad,
            )
            for name in self._parameter_names
        )
        for index, name in enumerate(self._buffer_names):
            values = torch.stack([member.get_buffer(name).detach() for member in members])
            self.register_buffer(f"stacked_buffer_{index}", values)
        self._other_names = _other_names(members[0])
        self._saved_names = tuple(members[0].state_dict())
        self._template = without_storage(members[0])

    def _state(self) -> dict[str, Tensor]:
        buffers = (getattr(self, f"stacked_buffer_{i}") for i in range(len(self._buffer_names)))
        state = {
            **dict(zip(self._parameter_names, self.stacked_parameters, strict=True)),
            **dict(zip(self._buffer_names, buffers, strict=True)),
        }
        return state | {other: state[name] for other, name in self._other_names.items()}

    def forward(self, x: Tensor) -> Tensor:
        (template,) = self._template
        template.train(self.training)

        def member(state: dict[str, Tensor], member_x: Tensor) -> Any:
            return functional_call(template, state, (member_x,), tie_weights=False)

        return cast("Tensor", torch.vmap(member, randomness="error")(self._state(), x))

    def member_state(self, k: int) -> dict[str, Tensor]:
        state = self._state()
        return {name: state[name][k].detach().clone() for name in self._saved_names}


NATIVE: dict[type[nn.Module], type[Stacked]] = {
    nn.Sequential: StackedSequential,
    nn.Linear: StackedLinear,
    nn.Conv2d: StackedConv2d,
    nn.ConvTranspose2d: StackedConvTranspose2d,
    nn.BatchNorm1d: StackedBatchNorm,
    nn.BatchNorm2d: StackedBatchNorm,
    nn.GroupNorm: StackedGroupNorm,
    nn.Flatten: StackedFlatten,
    nn.Unflatten: StackedUnflatten,
    **dict.fromkeys(
        (
            nn.Identity,
            nn.ReLU,
            nn.LeakyReLU,
            nn.ELU,
            nn.GELU,
            nn.SiLU,
            nn.Softplus,
            nn.Tanh,
            nn.Sigmoid,
        ),
        Stateless,
    ),
}
