"""The columns of a results table: name, type, unit and where the value comes from, in order.

The first part is the order promised to readers; what follows ``schema_version`` is extra.
"""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["COLUMNS", "COLUMNS_BY_NAME", "MEASURED", "Column", "Kind", "Value"]

Value = str | int | float | None
Kind = Literal["text", "int", "float"]

_PLAIN: dict[Kind, type] = {"text": str, "int": int, "float": float}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``unit`` is None for words and "1" for pure numbers.

    ``measured`` tells what is measured from what follows from a run's configuration.
    """

    name: str
    kind: Kind
    unit: str | None
    measured: bool

    def convert(self, value: Any) -> Value:
        """Return ``value`` as a plain str, int or float, or None.

        NumPy's numbers and one-element arrays and tensors are numbers; a whole float is an int.

        Raises
        ------
        ValueError
            If the value is of another type.
        """
        plain: Value = value
        if plain is None or type(plain) is _PLAIN[self.kind]:
            return plain
        refusal = ValueError(f"{self.name}: {value!r} is not allowed; {self.kind} is")
        if isinstance(value, str) != (self.kind == "text"):
            raise refusal
        if isinstance(value, str):
            return str(value)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise refusal from None
        if self.kind == "float":
            return number
        if not number.is_integer():
            raise refusal
        return int(value)


def _columns(kind: Kind, unit: str | None, names: str, *, measured: bool = True) -> list[Column]:
    return [Column(name, kind, unit, measured) for name in names.split()]


def _controls(names: str) -> list[Column]:
    """The columns of raw pixels, principal components and an untrained encoder for each name."""
    return [
        column
        for name in names.split()
        for column in _columns("float", "1", f"{name}_pixels {name}_pca {name}_random_encoder")
    ]


def _beside_controls(names: str) -> list[Column]:
    return [
        column
        for name in names.split()
        for column in (*_columns("float", "1", name), *_controls(name))
    ]


COLUMNS = (
    *_columns("text", None, "run_id status reason dataset architecture", measured=False),
    *_columns("text", None, "objective posterior likelihood", measured=False),
    *_columns("int", "1", "latent_dim", measured=False),
    *_columns("float", "1", "kl_weight recon_weight effective_decoder_variance", measured=False),
    *_columns("text", None, "device dtype", measured=False),
    *_columns("int", "1", "seed", measured=False),
    *_columns("text", None, "kernel_backend executor"),
    *_columns("int", "1", "cohort_size"),
    *_columns("int", "1", "epochs", measured=False),
    *_columns("int", "1", "train_steps"),
    *_columns("float", "s", "train_seconds"),
    *_columns("float", "1", "test_mse test_mse_sampled"),
    *_columns("float", "dB", "test_psnr_db"),
    *_columns("float", "nats", "test_distortion_nats test_rate_nats test_elbo_nats"),
    *_columns("float", "nats", "test_log_likelihood_nats"),
    *_columns("int", "1", "active_units"),
    *_columns("float", "nats", "mutual_information_nats total_correlation_nats"),
    *_columns("float", "nats", "dimensionwise_kl_nats"),
    *_columns("float", "1", "probe_linear_accuracy probe_knn_accuracy"),
    *_columns("float", "1", "trustworthiness neighborhood_continuity"),
    *_columns("float", "1", "interpolation_evenness interpolation_precision"),
    *_columns("float", "1", "prior_precision prior_recall prior_density prior_coverage"),
    *_columns("float", "1", "prior_frechet"),
    *_columns("float", "1", "gmm_precision gmm_recall gmm_density gmm_coverage gmm_frechet"),
    *_columns("float", "samples/s", "train_samples_per_s encode_samples_per_s"),
    *_columns("float", "samples/s", "decode_samples_per_s"),
    *_columns("int", "B", "peak_memory_bytes"),
    *_columns("int", "1", "schema_version", measured=False),
    *_columns("text", None, "data_hash hidden kernel", measured=False),
    *_columns("int", "1", "batch_size", measured=False),
    *_columns("float", "1", "learning_rate", measured=False),
    *_controls("probe_linear_accuracy probe_knn_accuracy"),
    *_columns("text", None, "sample_feature_space"),
    *_columns("int", "1", "sample_count importance_samples failed_step"),
    *_columns("float", "1", "mutual_information_gap sap modularity"),
    *_columns("float", "1", "dci_disentanglement dci_completeness dci_informativeness"),
    *_columns("float", "1", "factor_vae_score"),
    *_columns("float", "1", "test_ssim"),
    *_beside_controls("probe_linear_accuracy_10_labels probe_linear_accuracy_100_labels"),
    *_beside_controls("cluster_nmi cluster_ari"),
    *_beside_controls("regression_r2_position regression_r2_scale regression_r2_orientation"),
    *_beside_controls("regression_r2_latents"),
    *_columns("float", "1", "decoder_jacobian_norm decoder_jacobian_norm_scaled"),
    *_columns("float", "1", "gaussian_precision gaussian_recall gaussian_density"),
    *_columns("float", "1", "gaussian_coverage gaussian_frechet"),
    *_columns("float", "1", "prior_kernel_distance gmm_kernel_distance gaussian_kernel_distance"),
    *_columns("float", "1", "sample_classifier_accuracy"),
    *_columns("text", None, "metric_notes"),
    *_columns("text", None, "engine stacking training_notes"),
    *_columns("int", "1", "latent_samples", measured=False),
    *_columns("text", None, "kl_schedule", measured=False),
    *_columns("float", "1", "kl_warmup", measured=False),
    *_columns("int", "1", "kl_cycles", measured=False),
    *_columns("float", "nats", "free_nats capacity_nats", measured=False),
    *_columns("float", "1", "corruption decoder_decay", measured=False),
    *_columns("float", "1", "decoder_variance"),
    *_columns("text", None, "binarize learning_rate_milestones", measured=False),
    *_columns("float", "1", "learning_rate_decay adam_epsilon", measured=False),
)

COLUMNS_BY_NAME = {column.name: column for column in COLUMNS}
MEASURED = tuple(column.name for column in COLUMNS if column.measured)
