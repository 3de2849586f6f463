"""Stacked counterparts of single layers, in the layout that is fast to multiply.

Each maps ``[K, B, …]`` to ``[K, B, …]``: slice k of the output is what layer k makes of slice k of
the input. How whole networks are put together from them is not known here.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Stacked(nn.Module):
    """K equal modules as one; subclasses hold the weights of all members in one tensor each."""

    def member_state(self, k: int) -> dict[str, Tensor]:
        """State dict of member ``k``, in the names and layout of the module it came from."""
        raise NotImplementedError(f"{type(self).__name__} must say how a member's weights look")

    def squared_weights(self, members: int) -> Tensor:
        """Sum of squares of each member's parameters, ``[K]``.

        Of parameters that are ``[K, …]`` or ``[K·n, …]``; a class that holds others says its own.
        """
        squares = [split_axis(value.square(), 0, members, -1) for value in self.parameters()]
        return torch.stack([value.flatten(1).sum(1) for value in squares]).sum(0)


def _gather(members: Sequence[nn.Module], name: str) -> Tensor:
    return torch.stack([getattr(member, name).detach() for member in members])


class Stateless(Stacked):
    """A layer without weights that treats every element alike; it needs no stacked counterpart."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layer = members[0]

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.layer(x))

    def member_state(self, k: int) -> dict[str, Tensor]:
        return {}


class StackedFlatten(Stateless):
    """``nn.Flatten`` with its axes moved past the member axis."""

    def forward(self, x: Tensor) -> Tensor:
        flatten = cast("nn.Flatten", self.layer)
        return x.flatten(_after_members(flatten.start_dim), _after_members(flatten.end_dim))


class StackedUnflatten(Stateless):
    """``nn.Unflatten`` with its axis moved past the member axis."""

    def forward(self, x: Tensor) -> Tensor:
        unflatten = cast("nn.Unflatten", self.layer)
        axis = _after_members(int(unflatten.dim))
        return split_axis(x, axis, *cast("tuple[int, ...]", unflatten.unflattened_size))


def _after_members(axis: int) -> int:
    return axis + 1 if axis >= 0 else axis


def split_axis(x: Tensor, axis: int, *sizes: int) -> Tensor:
    """View of ``x`` with one axis cut into several; −1 stands for what is left."""
    axis %= x.ndim
    left = x.shape[axis] // -math.prod(sizes) if -1 in sizes else 0
    sizes = tuple(left if size == -1 else size for size in sizes)
    return x.view(*x.shape[:axis], *sizes, *x.shape[axis + 1 :])


def without_storage(member: nn.Module) -> tuple[nn.Module]:
    """A copy without storage, for its hyper-parameters; in a tuple, so that it is no submodule and
    its weights are not trained.
    """
    return (copy.deepcopy(member).to("meta"),)


class StackedLinear(Stacked):
    """``nn.Linear`` as one batched product, weights ``[K, in, out]`` so that nothing is transposed
    in the loop.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        first = cast("nn.Linear", members[0])
        weight = _gather(members, "weight").transpose(1, 2).contiguous()
        self.weight = nn.Parameter(weight, requires_grad=first.weight.requires_grad)
        self.bias: nn.Parameter | None = None
        if first.bias is not None:
            bias = _gather(members, "bias").unsqueeze(1)
            self.bias = nn.Parameter(bias, requires_grad=first.bias.requires_grad)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(1, -2)
        out = (
            torch.bmm(rows, self.weight)
            if self.bias is None
            else torch.baddbmm(self.bias, rows, self.weight)
        )
        return split_axis(out, 1, *x.shape[1:-1])

    def member_state(self, k: int) -> dict[str, Tensor]:
        state = {"weight": self.weight[k].detach().T.contiguous()}
        if self.bias is not None:
            state["bias"] = self.bias[k, 0].detach().clone()
        return state


class _InChannels(Stacked):
    """Members side by side in the channel axis: K networks are one network of K groups.

    ``[K, B, C, …]`` is handed on as a view of ``[B, K·C, …]`` memory, which elementwise layers
    keep, so a chain of such layers copies nothing between them.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = len(members)
        self._template = without_storage(members[0])
        for name, value in members[0].named_parameters():
            weights = _gather(members, name).flatten(0, 1)
            self.register_parameter(
                f"stacked_{name}", nn.Parameter(weights, requires_grad=value.requires_grad)
            )
        for name, buffer in members[0].named_buffers():
            values = _gather(members, name)
            self.register_buffer(f"stacked_{name}", values.flatten(0, 1) if buffer.ndim else values)

    def _tensor(self, name: str) -> Tensor | None:
        return cast("Tensor | None", getattr(self, f"stacked_{name}", None))

    def _run(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must say how it runs on [B, K·C, …]")

    def forward(self, x: Tensor) -> Tensor:
        side_by_side = x.transpose(0, 1).flatten(1, 2)
        return split_axis(self._run(side_by_side), 1, self.members, -1).transpose(0, 1)

    def member_state(self, k: int) -> dict[str, Tensor]:
        state = {}
        for name, value in self._template[0].state_dict().items():
            stacked = cast("Tensor", self._tensor(name)).detach()
            member = split_axis(stacked, 0, self.members, -1) if value.ndim else stacked
            state[name] = member[k].clone()
        return state


class StackedConv2d(_InChannels):
    """``nn.Conv2d`` as one grouped convolution."""

    def _run(self, x: Tensor) -> Tensor:
        conv = cast("nn.Conv2d", self._template[0])
        if conv.padding_mode != "zeros":
            x = F.pad(x, conv._reversed_padding_repeated_twice, mode=conv.padding_mode)
        padding = conv.padding if conv.padding_mode == "zeros" else 0
        weight = cast("Tensor", self._tensor("weight"))
        groups = self.members * conv.groups
        return F.conv2d(
            x, weight, self._tensor("bias"), conv.stride, padding, conv.dilation, groups
        )


class StackedConvTranspose2d(_InChannels):
    """``nn.ConvTranspose2d`` as one grouped transposed convolution."""

    def _run(self, x: Tensor) -> Tensor:
        conv = cast("nn.ConvTranspose2d", self._template[0])
        return F.conv_transpose2d(
            x,
            cast("Tensor", self._tensor("weight")),
            self._tensor("bias"),
            conv.stride,
            cast("tuple[int, int]", conv.padding),
            conv.output_padding,
            self.members * conv.groups,
            conv.dilation,
        )


class StackedBatchNorm(_InChannels):
    """``nn.BatchNorm1d`` and ``2d``: statistics are per channel, and every member has its own
    channels.
    """

    def _run(self, x: Tensor) -> Tensor:
        norm = cast("nn.BatchNorm2d", self._template[0])
        batch_statistics = self.training or norm.running_mean is None
        momentum = norm.momentum
        seen = self._tensor("num_batches_tracked")
        if self.training and seen is not None:
            seen.add_(1)
            if momentum is None:  # torch's convention for a cumulative average
                momentum = 1.0 / float(seen[0])
        return F.batch_norm(
            x,
            self._tensor("running_mean"),
            self._tensor("running_var"),
            self._tensor("weight"),
            self._tensor("bias"),
            batch_statistics,
            momentum if momentum is not None else 0.0,
            norm.eps,
        )


class StackedGroupNorm(_InChannels):
    """``nn.GroupNorm``: K members of G groups are K·G groups."""

    def _run(self, x: Tensor) -> Tensor:
        norm = cast("nn.GroupNorm", self._template[0])
        groups = self.members * norm.num_groups
        return F.group_norm(x, groups, self._tensor("weight"), self._tensor("bias"), norm.eps)
