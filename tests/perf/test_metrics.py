"""Families of metrics, on codes and images of the size of the digits' test set."""

import numpy as np
import pytest

from bench import metrics

N, D, P = 300, 16, 64
generator = np.random.default_rng(0)
CODES = generator.standard_normal((N, D)).astype(np.float32)
LOGVAR = (0.1 * generator.standard_normal((N, D)) - 2).astype(np.float32)
IMAGES = generator.random((N, P)).astype(np.float32)
FAKES = generator.random((N, P)).astype(np.float32)
LABELS = (CODES[:, :4] + 0.5 * generator.standard_normal((N, 4))).argmax(1)
FACTORS = np.stack([LABELS, (CODES[:, 5] > 0).astype(int)], axis=1)
SIGNS = (CODES[:, :2] > 0).astype(int)
PATHS = generator.random((64, 11, P)).astype(np.float32)
LOG_WEIGHTS = generator.standard_normal((64, N)).astype(np.float32)

ARRAYS = {
    "reconstruction": lambda: metrics.psnr_db(metrics.mse(IMAGES, FAKES)),
    "rate": lambda: (
        metrics.gaussian_kl(CODES, LOGVAR),
        metrics.rate_decomposition(CODES, LOGVAR, seed=0),
    ),
    "likelihood": lambda: metrics.importance_weighted_log_likelihood(LOG_WEIGHTS),
    "manifold": lambda: metrics.precision_recall_density_coverage(IMAGES, FAKES, k=5),
    "distribution distance": lambda: (
        metrics.frechet_distance(IMAGES, FAKES),
        metrics.kernel_distance(IMAGES, FAKES),
    ),
    "neighborhood": lambda: (
        metrics.trustworthiness(IMAGES, CODES, 5),
        metrics.neighborhood_continuity(IMAGES, CODES, 5),
    ),
    "interpolation": lambda: metrics.interpolation_evenness(PATHS),
    "factor information": lambda: (
        metrics.mutual_information_gap(CODES, FACTORS),
        metrics.modularity(CODES, FACTORS),
    ),
}
FITS = {
    "probes": lambda: (
        metrics.linear_probe(CODES, LABELS, CODES, LABELS),
        metrics.knn_probe(CODES, LABELS, CODES, LABELS),
    ),
    "factor prediction": lambda: (
        metrics.sap(CODES, FACTORS),
        metrics.explicitness(CODES, FACTORS),
        metrics.dci(CODES[:40, :2], SIGNS[:40]),
    ),
}


@pytest.mark.parametrize("family", ARRAYS)
def test_family(vae_gate, plain_arrays, family):
    vae_gate.time(ARRAYS[family], beside=plain_arrays)


@pytest.mark.parametrize("family", FITS)
def test_fitted_family(vae_gate, plain_fit, family):
    vae_gate.time(FITS[family], beside=plain_fit)
