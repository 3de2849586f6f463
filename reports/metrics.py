"""What each measured column is called, its unit, its range and which way is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "neither"]

SHARE = (0.0, 1.0)
POSITIVE = (0.0, math.inf)
AT_MOST_ONE = (-math.inf, 1.0)
ANY = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of the results: how to name it, and how to judge it."""

    column: str
    label: str
    better: Direction
    bounds: tuple[float, float] = ANY
    unit: str = ""
    log: bool = False

    @property
    def axis_label(self) -> str:
        """Label with its unit."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @property
    def hint(self) -> str:
        """Which way is better, in words."""
        return "" if self.better == "neither" else f"{self.better} is better"


METRICS = {
    metric.column: metric
    for metric in (
        Metric("test_mse", "test MSE", "lower", POSITIVE, log=True),
        Metric("test_mse_sampled", "test MSE, z sampled", "lower", POSITIVE, log=True),
        Metric("test_psnr_db", "test PSNR", "higher", ANY, "dB"),
        Metric("test_ssim", "test SSIM", "higher", (-1.0, 1.0)),
        Metric("test_distortion_nats", "distortion", "lower", ANY, "nats"),
        Metric("test_rate_nats", "rate", "neither", POSITIVE, "nats", log=True),
        Metric("test_elbo_nats", "ELBO", "higher", ANY, "nats"),
        Metric("test_log_likelihood_nats", "log-likelihood", "higher", ANY, "nats"),
        Metric("active_units", "active units", "neither", POSITIVE),
        Metric("mutual_information_nats", "mutual information", "neither", POSITIVE, "nats"),
        Metric("total_correlation_nats", "total correlation", "neither", ANY, "nats"),
        Metric("dimensionwise_kl_nats", "dimension-wise KL", "neither", ANY, "nats"),
        Metric("probe_linear_accuracy", "linear-probe accuracy", "higher", SHARE),
        Metric("probe_knn_accuracy", "k-NN accuracy", "higher", SHARE),
        Metric("probe_linear_accuracy_10_labels", "accuracy with 10 labels", "higher", SHARE),
        Metric("probe_linear_accuracy_100_labels", "accuracy with 100 labels", "higher", SHARE),
        Metric("cluster_nmi", "cluster NMI", "higher", SHARE),
        Metric("cluster_ari", "cluster ARI", "higher", (-0.5, 1.0)),
        Metric("regression_r2_position", "R² of position", "higher", AT_MOST_ONE),
        Metric("regression_r2_scale", "R² of scale", "higher", AT_MOST_ONE),
        Metric("regression_r2_orientation", "R² of orientation", "higher", AT_MOST_ONE),
        Metric("regression_r2_latents", "R² of true latents", "higher", AT_MOST_ONE),
        Metric("trustworthiness", "trustworthiness", "higher", SHARE),
        Metric("neighborhood_continuity", "neighbourhood continuity", "higher", SHARE),
        Metric("interpolation_evenness", "interpolation evenness", "higher", SHARE),
        Metric("interpolation_precision", "interpolation precision", "higher", SHARE),
        Metric("decoder_jacobian_norm", "Jacobian norm", "neither", POSITIVE, log=True),
        Metric(
            "decoder_jacobian_norm_scaled", "scaled Jacobian norm", "neither", POSITIVE, log=True
        ),
        Metric("prior_precision", "precision", "higher", SHARE),
        Metric("prior_recall", "recall", "higher", SHARE),
        Metric("prior_density", "density", "higher", POSITIVE),
        Metric("prior_coverage", "coverage", "higher", SHARE),
        Metric("prior_frechet", "Fréchet distance", "lower", POSITIVE, log=True),
        Metric("prior_kernel_distance", "kernel distance", "lower", ANY, log=True),
        Metric("gaussian_precision", "Gaussian precision", "higher", SHARE),
        Metric("gaussian_recall", "Gaussian recall", "higher", SHARE),
        Metric("gaussian_density", "Gaussian density", "higher", POSITIVE),
        Metric("gaussian_coverage", "Gaussian coverage", "higher", SHARE),
        Metric("gaussian_frechet", "Gaussian Fréchet", "lower", POSITIVE, log=True),
        Metric("gaussian_kernel_distance", "Gaussian kernel distance", "lower", ANY, log=True),
        Metric("gmm_precision", "mixture precision", "higher", SHARE),
        Metric("gmm_recall", "mixture recall", "higher", SHARE),
        Metric("gmm_density", "mixture density", "higher", POSITIVE),
        Metric("gmm_coverage", "mixture coverage", "higher", SHARE),
        Metric("gmm_frechet", "mixture Fréchet", "lower", POSITIVE, log=True),
        Metric("gmm_kernel_distance", "mixture kernel distance", "lower", ANY, log=True),
        Metric("mutual_information_gap", "mutual information gap", "higher", SHARE),
        Metric("dci_disentanglement", "DCI disentanglement", "higher", SHARE),
        Metric("dci_completeness", "DCI completeness", "higher", SHARE),
        Metric("dci_informativeness", "DCI informativeness", "higher", SHARE),
        Metric("sap", "SAP", "higher", SHARE),
        Metric("modularity", "modularity", "higher", SHARE),
        Metric("factor_vae_score", "FactorVAE score", "higher", SHARE),
    )
}
