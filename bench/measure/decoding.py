"""What a member's decoder makes of codes: its own test codes, lines between them, and draws from
the prior and from densities fitted to its training codes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.measure.forward import IMAGES_PER_BLOCK
from bench.measure.latents import PATH_POINTS, mixture_draws
from bench.measure.reference import Reference
from bench.measure.subject import Subject, Values
from bench.metrics import (
    decoder_jacobian_norm,
    interpolation_evenness,
    interpolation_precision,
    ssim_per_image,
)

Floats = NDArray[np.float32]


def similarity(subject: Subject, reference: Reference) -> Values:
    """Structural similarity of test images and their reconstructions from the mean."""
    codes, shape = subject.answers.test_mu, reference.dataset.image_shape
    scores = []
    for start in range(0, len(codes), IMAGES_PER_BLOCK):
        block = slice(start, start + IMAGES_PER_BLOCK)
        images = reference.dataset.pixels(reference.dataset.test_images[block])
        scores.append(ssim_per_image(images, subject.decoded(codes[block]).reshape(-1, *shape)))
    return {"test_ssim": float(np.concatenate(scores).mean())}


def sensitivity(subject: Subject, reference: Reference) -> Values:
    """Norm of the decoder's Jacobian at test codes, as it is and by the codes' spread."""
    codes = subject.answers.test_mu
    at = codes[reference.differentiated_rows]
    spread = codes.std(axis=0)
    return {
        "decoder_jacobian_norm": decoder_jacobian_norm(subject.decode, at),
        "decoder_jacobian_norm_scaled": decoder_jacobian_norm(subject.decode, at, spread),
    }


def interpolation(subject: Subject, reference: Reference) -> Values:
    """Straight lines between test codes."""
    midpoints = subject.path_images[:, PATH_POINTS // 2]
    return {
        "interpolation_evenness": interpolation_evenness(subject.path_images),
        "interpolation_precision": interpolation_precision(
            reference.manifold, reference.features(midpoints)
        ),
    }


def sample_space(subject: Subject, reference: Reference) -> Values:
    """Where samples and midpoints are compared with real images."""
    values: Values = {"sample_feature_space": reference.metrics.sample_features}
    if reference.metrics.sample_features == "classifier":
        _, labels = reference.probe_labels
        accuracy = reference.classifier.accuracy(reference.test_pixels, labels)
        values["sample_classifier_accuracy"] = accuracy
    return values


def prior_samples(subject: Subject, reference: Reference) -> Values:
    """Draws from N(0, I)."""
    images = subject.answers.prior_images
    return _sample_scores("prior", images, reference)


def fitted_samples(
    subject: Subject, reference: Reference, *, prefix: str, components: int
) -> Values:
    """Draws from a Gaussian mixture fitted to the training codes."""
    draws = mixture_draws(
        subject.answers.train_mu[reference.fit_rows],
        reference.sample_count,
        components=components,
        seed=subject.member.seed,
    )
    return _sample_scores(prefix, subject.decoded(draws), reference)


def _sample_scores(prefix: str, images: Floats, reference: Reference) -> Values:
    features = reference.features(images)
    scores = {
        **reference.manifold.score(features),
        "frechet": reference.frechet.distance(features),
        "kernel_distance": reference.kernel.distance(features),
    }
    return {f"{prefix}_{name}": value for name, value in scores.items()}
