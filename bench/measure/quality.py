"""Turn one member's answers into the columns of its record: each family of metrics, one function.

A metric that has no value here (one class only, fewer images than neighbours) is left out, and its
reason is kept; formulas live in ``bench.metrics``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.forward import Answers
from bench.measure.latents import PATH_POINTS
from bench.measure.reference import Reference
from bench.metrics import (
    MetricError,
    active_units,
    dci,
    interpolation_evenness,
    interpolation_precision,
    modularity,
    mutual_information_gap,
    psnr_db,
    rate_decomposition,
    sap,
)
from vae_core import Member, Structure

Floats = NDArray[np.float32]
Values = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Subject:
    """One member and all that was decoded for it.

    Attributes
    ----------
    train_mu, test_mu, test_logvar, …
        Its slices of ``Answers``.
    mixture_images
        ``[n, P]``, decoded draws from the mixture fitted to its codes.
    path_images
        ``[pairs, points, P]``, decoded straight lines between test codes.
    """

    structure: Structure
    member: Member
    is_stochastic: bool
    answers: Answers
    mixture_images: Floats
    path_images: Floats


def measure(subject: Subject, reference: Reference) -> Values:
    """Columns of the enabled families for one member; ``metric_notes`` says what is missing."""
    enabled = reference.metrics
    # Data without factors leave these columns null, as a sweep over an AE leaves the rate.
    disentangles = enabled.disentanglement and reference.dataset.factors is not None
    families: list[tuple[bool, str, Callable[[Subject, Reference], Values]]] = [
        (True, "reconstruction", _reconstruction),
        (True, "rate", _rate),
        (enabled.rate_decomposition, "rate_decomposition", _rate_decomposition),
        (enabled.probes, "probes", _probes),
        (disentangles, "disentanglement", _disentanglement),
        (disentangles, "modularity", _modularity),
        (enabled.geometry, "neighborhoods", _neighborhoods),
        (enabled.geometry, "interpolation", _interpolation),
        (enabled.sample_quality, "prior samples", _prior_samples),
        (enabled.sample_quality, "mixture samples", _mixture_samples),
    ]
    values: Values = {}
    notes = []
    for is_on, name, family in families:
        if not is_on:
            continue
        try:
            values.update(family(subject, reference))
        except MetricError as error:
            notes.append(f"{name}: {error}")
    values["metric_notes"] = "; ".join(notes) or None
    return values


def _reconstruction(subject: Subject, reference: Reference) -> Values:
    pixels = reference.dataset.pixels_per_image
    at_mean = float(subject.answers.squared_error_at_mean.mean()) / pixels
    return {
        "test_mse": at_mean,
        "test_mse_sampled": float(subject.answers.squared_error_sampled.mean()) / pixels,
        "test_psnr_db": psnr_db(at_mean),
        "test_distortion_nats": float(subject.answers.negative_log_likelihood.mean()),
    }


def _rate(subject: Subject, reference: Reference) -> Values:
    variance = float(subject.answers.decoder_variance)
    values: Values = {
        "active_units": int(active_units(subject.answers.test_mu)),
        "decoder_variance": variance if math.isfinite(variance) else None,
    }
    if not subject.is_stochastic:
        return values
    rate = float(subject.answers.rate_nats.mean(dtype=np.float64))
    distortion = float(subject.answers.negative_log_likelihood.mean())
    return values | {
        "test_rate_nats": rate,
        "test_elbo_nats": -(distortion + rate),
        "test_log_likelihood_nats": float(subject.answers.log_likelihood.mean()),
        "importance_samples": reference.metrics.importance_samples,
    }


def _rate_decomposition(subject: Subject, reference: Reference) -> Values:
    if not subject.is_stochastic:
        return {}
    rows = reference.rows
    parts = rate_decomposition(
        subject.answers.test_mu[rows],
        subject.answers.test_logvar[rows],
        cholesky=subject.answers.test_cholesky[rows],
        seed=subject.member.seed,
    )
    return dict(parts)


def _probes(subject: Subject, reference: Reference) -> Values:
    scores: dict[str, Mapping[str, float]] = {
        "": reference.probes(subject.answers.train_mu, subject.answers.test_mu),
        "_pixels": reference.pixel_scores,
        "_pca": reference.pca_scores(subject.structure.latent_dim),
        "_random_encoder": reference.random_encoder_scores(subject.structure, subject.member.seed),
    }
    return {
        f"probe_{probe}_accuracy{control}": accuracy
        for control, by_probe in scores.items()
        for probe, accuracy in by_probe.items()
    }


def _disentanglement(subject: Subject, reference: Reference) -> Values:
    factors = reference.factors
    codes = subject.answers.train_mu[reference.probe_rows]
    importances = dci(codes[reference.dci_rows], reference.dci_factors)
    return {
        "mutual_information_gap": mutual_information_gap(codes, factors),
        "sap": sap(codes, factors),
        **{f"dci_{name}": value for name, value in importances.items()},
    }


def _modularity(subject: Subject, reference: Reference) -> Values:
    """Apart from the others, which need two codes."""
    factors = reference.factors
    return {"modularity": modularity(subject.answers.train_mu[reference.probe_rows], factors)}


def _neighborhoods(subject: Subject, reference: Reference) -> Values:
    codes = subject.answers.test_mu[reference.rows]
    return {
        "trustworthiness": reference.neighborhoods.trustworthiness(codes),
        "neighborhood_continuity": reference.neighborhoods.continuity(codes),
    }


def _interpolation(subject: Subject, reference: Reference) -> Values:
    midpoints = subject.path_images[:, PATH_POINTS // 2]
    return {
        "interpolation_evenness": interpolation_evenness(subject.path_images),
        "interpolation_precision": interpolation_precision(reference.manifold, midpoints),
    }


def _prior_samples(subject: Subject, reference: Reference) -> Values:
    return {
        "sample_feature_space": "pixels",
        "sample_count": len(subject.answers.prior_images),
        **_sample_scores("prior", subject.answers.prior_images, reference),
    }


def _mixture_samples(subject: Subject, reference: Reference) -> Values:
    return _sample_scores("gmm", subject.mixture_images, reference)


def _sample_scores(prefix: str, images: Floats, reference: Reference) -> Values:
    scores = reference.manifold.score(images)
    return {
        **{f"{prefix}_{name}": value for name, value in scores.items()},
        f"{prefix}_frechet": reference.frechet.distance(images),
    }
