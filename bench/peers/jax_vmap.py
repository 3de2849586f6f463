"""JAX at its best: K models under ``vmap``, the whole training one ``scan``, compiled once.

Weights are ``[in, out]``, Adam is written out, shuffling and noise are JAX's own; nothing returns
to Python between the first step and the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax  # type: ignore[import-not-found]
import jax.numpy as jnp  # type: ignore[import-not-found]
import numpy as np
import torch
from torch import nn

from bench.peers.protocol import Training
from bench.peers.task import Networks, Task

Weights = list[list[tuple[Any, Any]]]
"""Of encoder and decoder: weight ``[in, out]`` and bias ``[out]`` of every layer."""

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's defaults in PyTorch."""


def prepare(task: Task, seeds: Sequence[int], *, precision: str = "float32") -> Training:
    """Ready one model a seed; the first ``run`` compiles.

    ``precision`` is that of matrix products in JAX's words; what it does by itself is ``float32``
    on a CPU and ``tensorfloat32`` on a GPU.
    """
    initial = [[_layers(part) for part in task.networks(seed)] for seed in seeds]
    weights = jax.tree.map(lambda *parts: jnp.stack(parts), *initial)
    keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    images = jnp.asarray(task.train_pixels.flatten(1).numpy())
    trained: list[Weights] = []

    def run() -> None:
        with jax.default_matmul_precision(precision):
            trained.append(jax.block_until_ready(_train_all(task, weights, keys, images)))

    def networks() -> list[Networks]:
        found = jax.tree.map(np.asarray, trained[-1])
        return [_modules(task, seed, found, k) for k, seed in enumerate(seeds)]

    return Training(run, networks)


@partial(jax.jit, static_argnums=0)
def _train_all(task: Task, weights: Weights, keys: Any, images: Any) -> Weights:
    trained: Weights = jax.vmap(partial(_train, task), (0, 0, None))(weights, keys, images)
    return trained


def _train(task: Task, weights: Weights, key: Any, images: Any) -> Weights:
    size, batches = task.train_size, task.train_size // task.batch_size

    def step(state: Any, batch: Any) -> tuple[Any, None]:
        weights, first, second, count = state
        rows, noise_key = batch
        x = images[rows]
        noise = jax.random.normal(noise_key, (task.batch_size, task.latent_dim))
        gradient = jax.grad(_loss)(weights, x, noise, task)
        return _adam(weights, first, second, count + 1, gradient, task.learning_rate), None

    def epoch(state: Any, epoch_key: Any) -> tuple[Any, None]:
        order_key, noise_key = jax.random.split(epoch_key)
        order = jax.random.permutation(order_key, size)[: batches * task.batch_size]
        batch = order.reshape(batches, task.batch_size), jax.random.split(noise_key, batches)
        state, _ = jax.lax.scan(step, state, batch)
        return state, None

    zeros = jax.tree.map(jnp.zeros_like, weights)
    state, _ = jax.lax.scan(epoch, (weights, zeros, zeros, 0), jax.random.split(key, task.epochs))
    trained: Weights = state[0]
    return trained


def _loss(weights: Weights, x: Any, noise: Any, task: Task) -> Any:
    encoder, decoder = weights
    mu, logvar = jnp.split(_mlp(encoder, x), 2, axis=-1)
    output = _mlp(decoder, mu + noise * jnp.exp(0.5 * logvar))
    error = jnp.square(output - x).sum(-1)
    kl = 0.5 * (jnp.square(mu) + jnp.exp(logvar) - 1 - logvar).sum(-1)
    return (task.recon_weight * error + task.kl_weight * kl).mean()


def _mlp(layers: list[tuple[Any, Any]], x: Any) -> Any:
    for index, (weight, bias) in enumerate(layers):
        x = (jax.nn.relu(x) if index else x) @ weight + bias
    return x


def _adam(
    weights: Any, first: Any, second: Any, count: Any, gradient: Any, learning_rate: float
) -> tuple[Any, Any, Any, Any]:
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradient)
    size = learning_rate / (1 - BETA_1**count)
    root = jnp.sqrt(1 - BETA_2**count)
    weights = jax.tree.map(
        lambda w, m, v: w - size * m / (jnp.sqrt(v) / root + EPSILON), weights, first, second
    )
    return weights, first, second, count


def _layers(network: nn.Module) -> list[tuple[Any, Any]]:
    return [
        (layer.weight.detach().numpy().T, layer.bias.detach().numpy())
        for layer in network.modules()
        if isinstance(layer, nn.Linear)
    ]


def _modules(task: Task, seed: int, weights: Weights, k: int) -> Networks:
    """Model ``k`` as ordinary modules, to be scored like everybody's."""
    networks = task.networks(seed)
    for network, layers in zip(networks, weights, strict=True):
        linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        for layer, (weight, bias) in zip(linear, layers, strict=True):
            with torch.no_grad():
                layer.weight.copy_(torch.tensor(weight[k].T))
                layer.bias.copy_(torch.tensor(bias[k]))
    return networks
