"""The closed form of a linear model as the curve that a report draws behind its measurements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure.reference import Reference
from vae_core import Member, RateControl, Structure, TrainingConfig
from vae_core.closed_form import LinearOptimum

CURVE_POINTS = 81
CURVE_DECADES = 5
MOST_PIXELS = 4_096
"""Larger images have a covariance that takes longer to decompose than the model takes to train."""


def linear_optimum(
    structure: Structure, member: Member, config: TrainingConfig, reference: Reference
) -> dict[str, NDArray[Any]]:
    """Rate and distortion of the optimum on the training images, over the KL weight.

    Returns
    -------
    dict
        ``closed_form_kl_weight``, ``closed_form_rate_nats`` and ``closed_form_distortion_nats``,
        ``[points]`` each, up to the KL weight at which the model collapses; empty for a model
        whose optimum is not known: one that is not linear, not Gaussian, or is trained on another
        loss than the KL-weighted bound.
    """
    pixels = math.prod(structure.image_shape)
    is_linear = structure.architecture == "linear" and structure.likelihood == "gaussian"
    is_plain = (
        member.objective == "vae" and config.loss.rate == RateControl() and not config.binarize
    )
    if not (is_linear and is_plain) or pixels > MOST_PIXELS:
        return {}
    eigenvalues = reference.covariance_eigenvalues
    decoder_variance = 1 / (2 * member.recon_weight)
    collapse = float(eigenvalues[0]) / decoder_variance
    weights = collapse * np.logspace(-CURVE_DECADES, 0, CURVE_POINTS)
    optima = [
        LinearOptimum(eigenvalues, structure.latent_dim, float(weight), decoder_variance)
        for weight in weights
    ]
    rate = np.array([optimum.rate_nats for optimum in optima])
    elbo = np.array([optimum.elbo_nats for optimum in optima])
    return {
        "closed_form_kl_weight": weights,
        "closed_form_rate_nats": rate,
        "closed_form_distortion_nats": -elbo - rate,
    }
