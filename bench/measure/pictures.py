"""The pictures and codes of one run that a report shows, as small integer arrays."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.forward import Answers
from bench.measure.latents import (
    PICTURE_PATH_POINTS,
    TRAVERSED,
    gaps,
    plane_grid,
    straight_paths,
    traversals,
)
from bench.measure.reference import Reference
from bench.metrics import MetricError, rate_per_dimension
from vae_core import Autoencoder
from vae_core.data.split import fixed_subset

ORIGINALS = 16
PRIOR_SAMPLES = 64
PATHS = 4
RANKED = 4
"""Best, median and worst reconstructions shown, each."""

CODES_LIMIT = 2_000
CHOICE_SEED = 0
NO_LABEL = -1


def draw_pictures(
    model: Autoencoder, answers: Answers, reference: Reference
) -> dict[str, NDArray[Any]]:
    """Arrays of ``samples.npz``; the same images and pairs are shown for every run of a data set.

    Labels are −1 where there are none.

    Parameters
    ----------
    model
        The run, on the CPU.
    answers
        Its own, without the member axis.
    """
    test_mu = answers.test_mu
    labels = reference.test_labels
    if labels is None:
        labels = np.full(len(test_mu), NO_LABEL)
    shown, pairs = shown_images(labels)
    paths = straight_paths(test_mu, pairs, PICTURE_PATH_POINTS)
    shape = reference.dataset.image_shape
    ranked = ranked_images(answers.squared_error_at_mean)
    plotted = fixed_subset(len(test_mu), min(len(test_mu), CODES_LIMIT), reference.test_labels)
    dimensions, walks, values = _walks(model, answers, start=test_mu[shown[0]])
    arrays = {
        "originals": _picture(reference.test_pixels[shown], shape),
        "original_labels": labels[shown],
        "reconstructions": _decoded(model, test_mu[shown], shape),
        "prior_samples": _picture(answers.prior_images[:PRIOR_SAMPLES], shape),
        "interpolations": _decoded(model, paths, shape),
        "interpolation_labels": labels[pairs],
        "codes": test_mu[plotted],
        "code_labels": labels[plotted],
        "mean_variance": test_mu.var(axis=0),
        "ranked_originals": _picture(reference.test_pixels[ranked], shape),
        "ranked_reconstructions": _decoded(model, test_mu[ranked], shape),
        "ranked_mse": answers.squared_error_at_mean[ranked] / reference.test_pixels.shape[1],
        "traversals": _decoded(model, walks, shape),
        "traversal_dimensions": dimensions,
        "traversal_values": values,
    }
    if model.is_stochastic:
        arrays["rate_per_dimension"] = rate_per_dimension(test_mu, answers.test_logvar)
    if model.latent_dim == 2:
        grid, axes = plane_grid(test_mu)
        arrays["manifold"] = _decoded(model, grid, shape)
        arrays["manifold_axes"] = axes
        arrays |= _between(model, test_mu[plotted], reference)
        if model.is_stochastic:
            arrays["code_covariances"] = _covariances(answers)[plotted]
    return arrays


def _covariances(answers: Answers) -> NDArray[np.float32]:
    """Covariance of each test image's posterior, diagonal or full, ``[N, D, D]``."""
    if answers.test_cholesky.size:
        full: NDArray[np.float32] = answers.test_cholesky @ answers.test_cholesky.swapaxes(-1, -2)
        return full
    return np.exp(answers.test_logvar)[..., None] * np.eye(
        answers.test_logvar.shape[-1], dtype=np.float32
    )


def ranked_images(squared_error: NDArray[np.float32]) -> NDArray[np.int64]:
    """Test images with the smallest, the middle and the largest of errors ``[N]``, four each.

    Ascending throughout; fewer than twelve images are shown once each.
    """
    order = np.argsort(squared_error, kind="stable")
    if len(order) <= 3 * RANKED:
        return order
    middle = (len(order) - RANKED) // 2
    return np.concatenate([order[:RANKED], order[middle : middle + RANKED], order[-RANKED:]])


def _walks(
    model: Autoencoder, answers: Answers, *, start: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """The latent dimensions that carry most, in that order, the walks along them, their values.

    Ordered by rate; an autoencoder has none, its dimensions are ordered by their variance.
    """
    codes = answers.test_mu
    carried = (
        rate_per_dimension(codes, answers.test_logvar) if model.is_stochastic else codes.var(axis=0)
    )
    dimensions = np.argsort(-carried, kind="stable")[:TRAVERSED]
    return dimensions, *traversals(start, codes, dimensions, from_prior=model.is_stochastic)


def _between(
    model: Autoencoder, codes: NDArray[np.float32], reference: Reference
) -> dict[str, NDArray[Any]]:
    """What the emptiest points between codes ``[N, D]`` decode to.

    With ``gaps_in_manifold``, whether each decoded image lies in the k-nearest-neighbour manifold
    of test images, where there are enough of them for one.
    """
    points = gaps(codes)
    with torch.inference_mode():
        images = model.decode(torch.from_numpy(points)).flatten(1).numpy()
    found: dict[str, NDArray[Any]] = {
        "gaps": points,
        "gap_images": _picture(images, reference.dataset.image_shape),
    }
    # With too few test images the sweep's notes already say why there is no manifold.
    with suppress(MetricError):
        found["gaps_in_manifold"] = reference.manifold.contains(reference.features(images))
    return found


def shown_images(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Test images to show, all classes in turn, and pairs of different classes to walk between."""
    generator = np.random.default_rng(CHOICE_SEED)
    rank_in_class = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank_in_class[generator.permutation(members)] = np.arange(len(members))
    # Sorted by rank and then class: one image of every class before a second of any.
    in_turn = np.lexsort((labels, rank_in_class))
    shown = in_turn[:ORIGINALS]
    pairs = min(PATHS, len(labels) // 2)
    return shown, in_turn[: 2 * pairs].reshape(pairs, 2)


@torch.inference_mode()
def _decoded(
    model: Autoencoder, latents: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    flat = torch.from_numpy(latents.reshape(-1, latents.shape[-1]))
    return _picture(model.decode(flat).numpy().reshape(*latents.shape[:-1], -1), shape)


def _picture(pixels: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Values ``[…, P]`` to 8-bit images ``[…, H, W]``, or ``[…, H, W, C]`` in colour."""
    channels, height, width = shape
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    images = levels.reshape(*levels.shape[:-1], channels, height, width)
    return images[..., 0, :, :] if channels == 1 else np.moveaxis(images, -3, -1)
