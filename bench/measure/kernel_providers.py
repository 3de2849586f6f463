"""Who computes z and the KL in the kernel benchmark: PyTorch three ways, and the fused op.

A provider is one function of (mu, logvar) to (z, KL); wrapped, it gives the calls that are timed.
Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from kernels import launch, reparameterize_kl

Phase = Literal["forward", "backward", "both"]
PHASES: tuple[Phase, ...] = ("forward", "backward", "both")
Function = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Provider:
    """One implementation of z and the KL, launched call by call or replayed as a CUDA graph.

    ``fused`` marks the op itself, all of whose outputs ``kernels.check`` holds against float64.
    """

    name: str
    function: Function
    as_graph: bool = False
    fused: bool = False


@dataclass(frozen=True)
class Inputs:
    """One set of tensors: mu and logvar [B, D], and the gradients of z [B, D] and the KL [B]."""

    mu: Tensor
    logvar: Tensor
    dz: Tensor
    dkl: Tensor

    @classmethod
    def random(
        cls, rows: int, latent_dim: int, dtype: torch.dtype, device: torch.device | str, seed: int
    ) -> Inputs:
        """Draw a set; nothing in it is constant."""
        generator = torch.Generator(device).manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=device)

        mu, logvar = normal(rows, latent_dim).to(dtype), normal(rows, latent_dim).to(dtype)
        return cls(
            mu.requires_grad_(),
            logvar.requires_grad_(),
            normal(rows, latent_dim).to(dtype),
            normal(rows),
        )

    def as_new_leaves(self) -> Inputs:
        """The same numbers in leaves that no graph has met: autograd runs a gradient's end on the
        stream where its leaf was first used.
        """
        mu, logvar = (value.detach().requires_grad_() for value in (self.mu, self.logvar))
        return replace(self, mu=mu, logvar=logvar)


def providers() -> list[Provider]:
    """Return the baselines and the fused op, on the current GPU."""
    seed, step = torch.tensor(1, device="cuda"), torch.tensor(0, device="cuda")
    compiled = torch.compile(in_float32, dynamic=False)
    fused_op = fused(seed, step)
    return [
        Provider("eager", eager),
        Provider("compile", compiled),
        Provider("compile-cudagraphs", compiled, as_graph=True),
        Provider("fused", fused_op, fused=True),
        Provider("fused-cudagraphs", fused_op, as_graph=True, fused=True),
        Provider("fused-stored-noise", fused_with_stored_noise(seed, step)),
    ]


def eager(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Compute as a training script does: in the input's dtype, the KL summed in float32."""
    z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
    kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(-1, dtype=torch.float32)
    return z, kl


def in_float32(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Compute in float32 whatever the input: what a compiler fuses without losing digits."""
    mean, log_variance = mu.float(), logvar.float()
    z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(-1)
    return z.to(mu.dtype), kl


def fused(seed: Tensor, step: Tensor) -> Function:
    """Return the fused op for a 0-d int64 seed and step on the device."""

    def function(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
        return reparameterize_kl(mu, logvar, seed=seed, step=step, backend="triton")

    return function


def fused_with_stored_noise(seed: Tensor, step: Tensor) -> Function:
    """Return the same kernels, the noise written by forward and read by backward."""

    def function(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
        apply: Callable[..., tuple[Tensor, Tensor]] = _StoredNoise.apply
        return apply(mu, logvar, seed, step)

    return function


def calls(function: Function, inputs: Inputs) -> dict[Phase, Callable[[], object]]:
    """Return what is timed: forward, backward over a forward already run, and both."""
    given = (inputs.mu, inputs.logvar)
    upstream = (inputs.dz, inputs.dkl)
    outputs = function(*given)
    return {
        "forward": lambda: function(*given),
        "backward": lambda: torch.autograd.grad(outputs, given, upstream, retain_graph=True),
        "both": lambda: torch.autograd.grad(function(*given), given, upstream),
    }


def captured(call: Callable[[], object], stream: torch.cuda.Stream) -> Callable[[], object]:
    """Return the replay of ``call`` as a CUDA graph.

    ``stream`` is where the call was made ready: backward runs on the stream of its forward, and a
    recording may not touch another.
    """
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        held = call()

    def replay(held: object = held) -> None:
        # the default keeps the graph's output memory alive as long as the replay
        graph.replay()

    return replay


def kept_bytes(function: Function, inputs: Inputs) -> int:
    """Return the bytes that forward keeps for backward beyond mu and logvar."""
    storages: dict[int, int] = {}

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        function(inputs.mu, inputs.logvar)
    for tensor in (inputs.mu, inputs.logvar):
        storages.pop(tensor.untyped_storage().data_ptr(), None)
    return sum(storages.values())


def kl_error(function: Function, inputs: Inputs) -> float:
    """Return the largest error of the KL against float64, relative to the size of its terms."""
    _, kl = function(inputs.mu, inputs.logvar)
    mu, logvar = inputs.mu.detach().double(), inputs.logvar.detach().double()
    expected = 0.5 * (mu.square() + torch.expm1(logvar) - logvar).sum(-1)
    scale = 0.5 * (mu.square() + logvar.exp() + 1 + logvar.abs()).sum(-1)
    return float(((kl.detach().double() - expected).abs() / scale).max())


class _StoredNoise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, mu: Tensor, logvar: Tensor, seed: Tensor, step: Tensor
    ) -> tuple[Tensor, Tensor]:
        noise = torch.empty(mu.shape, device=mu.device)
        z, kl, _ = launch.forward(
            mu, logvar, seed, step, stream=0, samples=None, per_dimension=False, noise=noise
        )
        ctx.save_for_backward(mu, logvar, seed, step, noise)
        return z, kl

    @staticmethod
    def backward(ctx: Any, dz: Tensor, dkl: Tensor) -> tuple[Tensor, Tensor, None, None]:
        mu, logvar, seed, step, noise = ctx.saved_tensors
        dmu, dlogvar = launch.backward(
            dz, dkl, None, mu, logvar, seed, step, stream=0, samples=None, noise=noise
        )
        return dmu, dlogvar, None, None
