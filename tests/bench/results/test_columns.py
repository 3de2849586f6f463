"""The column table: the promised order, and values as plain numbers."""

import numpy as np
import pytest

from bench.results import COLUMNS
from bench.results.columns import COLUMNS_BY_NAME

PROMISED = """
run_id, status, reason, dataset, architecture, objective, posterior, likelihood, latent_dim,
kl_weight, recon_weight, effective_decoder_variance, device, dtype, seed, kernel_backend, executor,
cohort_size, epochs, train_steps, train_seconds, test_mse, test_mse_sampled, test_psnr_db,
test_distortion_nats, test_rate_nats, test_elbo_nats, test_log_likelihood_nats, active_units,
mutual_information_nats, total_correlation_nats, dimensionwise_kl_nats, probe_linear_accuracy,
probe_knn_accuracy, trustworthiness, neighborhood_continuity, interpolation_evenness,
interpolation_precision, prior_precision, prior_recall, prior_density, prior_coverage,
prior_frechet, gmm_precision, gmm_recall, gmm_density, gmm_coverage, gmm_frechet,
train_samples_per_s, encode_samples_per_s, decode_samples_per_s, peak_memory_bytes, schema_version
"""


def test_the_promised_columns_come_first_in_the_promised_order():
    promised = [name.strip() for name in PROMISED.split(",")]
    assert [column.name for column in COLUMNS[: len(promised)]] == promised


def test_no_column_stands_twice():
    assert len(COLUMNS_BY_NAME) == len(COLUMNS)


@pytest.mark.parametrize(
    ("suffix", "unit"),
    [("_nats", "nats"), ("_db", "dB"), ("_samples_per_s", "samples/s"), ("_bytes", "B")],
)
def test_a_name_and_its_unit_agree(suffix, unit):
    assert {c.unit for c in COLUMNS if c.name.endswith(suffix)} == {unit}


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("test_mse", np.float32(0.5), 0.5),
        ("test_mse", np.int64(2), 2.0),
        ("active_units", np.int64(3), 3),
        ("active_units", 3.0, 3),
        ("peak_memory_bytes", 2**40, 2**40),
        ("executor", "local", "local"),
        ("test_mse", None, None),
    ],
)
def test_a_value_becomes_a_plain_one(name, value, plain):
    converted = COLUMNS_BY_NAME[name].convert(value)
    assert converted == plain
    assert type(converted) is type(plain)


@pytest.mark.parametrize(
    ("name", "value"),
    [("active_units", 2.5), ("active_units", float("nan")), ("test_mse", "0.5"),
     ("executor", 3), ("test_mse", [1.0, 2.0])],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: .* is not allowed; (int|float|text) is$"):
        COLUMNS_BY_NAME[name].convert(value)
