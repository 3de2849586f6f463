"""Every formula of the suite: pure functions of arrays, each usable alone.

NumPy arrays or PyTorch tensors in, Python floats out; a `MetricError` says why there is no value.
`docs/metrics.md` has units, directions, sources and known failures.
"""

from bench.metrics.arrays import MetricError
from bench.metrics.distribution_distance import (
    FrechetReference,
    KernelReference,
    frechet_distance,
    kernel_distance,
)
from bench.metrics.factor_information import modularity, mutual_information_gap
from bench.metrics.factor_prediction import dci, explicitness, sap, sap_classifier
from bench.metrics.interpolation import interpolation_evenness, interpolation_precision
from bench.metrics.likelihood import (
    ImportanceSampler,
    importance_weighted_log_likelihood,
    log_importance_weights,
)
from bench.metrics.manifold import RealManifold, precision_recall_density_coverage
from bench.metrics.neighborhood import Neighborhoods, neighborhood_continuity, trustworthiness
from bench.metrics.probes import knn_probe, linear_probe
from bench.metrics.rate import (
    active_units,
    full_gaussian_kl,
    gaussian_kl,
    rate_decomposition,
    rate_per_dimension,
)
from bench.metrics.reconstruction import mse, psnr_db

__all__ = [
    "FrechetReference",
    "ImportanceSampler",
    "KernelReference",
    "MetricError",
    "Neighborhoods",
    "RealManifold",
    "active_units",
    "dci",
    "explicitness",
    "frechet_distance",
    "full_gaussian_kl",
    "gaussian_kl",
    "importance_weighted_log_likelihood",
    "interpolation_evenness",
    "interpolation_precision",
    "kernel_distance",
    "knn_probe",
    "linear_probe",
    "log_importance_weights",
    "modularity",
    "mse",
    "mutual_information_gap",
    "neighborhood_continuity",
    "precision_recall_density_coverage",
    "psnr_db",
    "rate_decomposition",
    "rate_per_dimension",
    "sap",
    "sap_classifier",
    "trustworthiness",
]
