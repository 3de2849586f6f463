"""Every formula of the suite: pure functions of arrays, each usable alone.

NumPy arrays or PyTorch tensors in, Python floats out; a `MetricError` says why there is no value.
`docs/metrics.md` has units, directions, sources and known failures.
"""

from bench.metrics.arrays import MetricError
from bench.metrics.clustering import cluster_agreement
from bench.metrics.decoder_sensitivity import decoder_jacobian_norm, decoder_jacobian_norms
from bench.metrics.distribution_distance import (
    FrechetReference,
    KernelReference,
    frechet_distance,
    kernel_distance,
)
from bench.metrics.factor_information import modularity, mutual_information_gap
from bench.metrics.factor_prediction import dci, explicitness, sap, sap_classifier
from bench.metrics.factor_voting import factor_vae_score
from bench.metrics.interpolation import interpolation_evenness, interpolation_precision
from bench.metrics.likelihood import (
    ImportanceSampler,
    importance_weighted_log_likelihood,
    log_importance_weights,
)
from bench.metrics.manifold import RealManifold, precision_recall_density_coverage
from bench.metrics.neighborhood import Neighborhoods, neighborhood_continuity, trustworthiness
from bench.metrics.probes import few_label_probe, knn_probe, linear_probe
from bench.metrics.rate import (
    active_units,
    full_gaussian_kl,
    gaussian_kl,
    rate_decomposition,
    rate_per_dimension,
)
from bench.metrics.reconstruction import mse, psnr_db
from bench.metrics.regression import regression_r2, regression_r2_per_target
from bench.metrics.structural_similarity import ssim, ssim_per_image

__all__ = [
    "FrechetReference",
    "ImportanceSampler",
    "KernelReference",
    "MetricError",
    "Neighborhoods",
    "RealManifold",
    "active_units",
    "cluster_agreement",
    "dci",
    "decoder_jacobian_norm",
    "decoder_jacobian_norms",
    "explicitness",
    "factor_vae_score",
    "few_label_probe",
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
    "regression_r2",
    "regression_r2_per_target",
    "sap",
    "sap_classifier",
    "ssim",
    "ssim_per_image",
    "trustworthiness",
]
