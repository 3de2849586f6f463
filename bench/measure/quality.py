"""Turn one member's answers into the columns of its record: each family of metrics, one function.

A metric that has no value here (one class only, fewer images than neighbours) is left out, and its
reason is kept; formulas live in ``bench.metrics``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from bench.measure import decoding, representation
from bench.measure.latents import MIXTURE_COMPONENTS
from bench.measure.reference import Reference
from bench.measure.subject import Subject, Values
from bench.metrics import (
    MetricError,
    active_units,
    psnr_db,
    rate_decomposition,
)

Family = Callable[[Subject, Reference], Values]


def measure(subject: Subject, reference: Reference) -> Values:
    """Columns of the enabled families for one member; ``metric_notes`` says what is missing."""
    values: Values = {"sample_count": reference.sample_count}
    notes = []
    for name, family in _families(reference):
        try:
            values.update(family(subject, reference))
        except MetricError as error:
            notes.append(f"{name}: {error}")
    values["metric_notes"] = "; ".join(notes) or None
    return values


def _families(reference: Reference) -> list[tuple[str, Family]]:
    """Name and function of each family that is on and that the data have something for.

    Data without factors or targets leave those columns null, as an AE leaves the rate.
    """
    enabled = reference.metrics
    disentangles = enabled.disentanglement and reference.dataset.factors is not None
    few_labels: list[tuple[bool, str, Family]] = [
        (enabled.probes, f"{count} labels", partial(representation.few_label_probes, labels=count))
        for count in representation.FEW_LABELS
    ]
    gaussian = partial(decoding.fitted_samples, prefix="gaussian", components=1)
    mixture = partial(decoding.fitted_samples, prefix="gmm", components=MIXTURE_COMPONENTS)
    families: list[tuple[bool, str, Family]] = [
        (True, "reconstruction", _reconstruction),
        (True, "similarity", decoding.similarity),
        (True, "rate", _rate),
        (enabled.rate_decomposition, "rate_decomposition", _rate_decomposition),
        (enabled.probes, "linear probe", representation.linear_probes),
        (enabled.probes, "k-NN probe", representation.neighbor_probes),
        *few_labels,
        (enabled.probes, "clusters", representation.clusters),
        (enabled.probes and bool(reference.targets), "regression", representation.regression),
        (disentangles, "disentanglement", representation.disentanglement),
        (disentangles, "modularity", representation.single_code_disentanglement),
        (enabled.geometry, "neighborhoods", representation.neighborhoods),
        (enabled.geometry, "sensitivity", decoding.sensitivity),
        (enabled.geometry or enabled.sample_quality, "sample space", decoding.sample_space),
        (enabled.geometry, "interpolation", decoding.interpolation),
        (enabled.sample_quality, "prior samples", decoding.prior_samples),
        (enabled.sample_quality, "gaussian samples", gaussian),
        (enabled.sample_quality, "mixture samples", mixture),
    ]
    return [(name, family) for is_on, name, family in families if is_on]


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
    if not subject.model.is_stochastic:
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
    if not subject.model.is_stochastic:
        return {}
    rows = reference.rows
    parts = rate_decomposition(
        subject.answers.test_mu[rows],
        subject.answers.test_logvar[rows],
        cholesky=subject.answers.test_cholesky[rows],
        seed=subject.member.seed,
    )
    return dict(parts)
