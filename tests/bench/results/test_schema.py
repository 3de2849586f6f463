"""Stores that another program made: given what is new, refused where the meaning changed."""

import sqlite3

import pytest

from bench.plan import SCHEMA_VERSION
from bench.results import COLUMNS, Store, StoreError

COLUMNS_OF_VERSION_5 = """
    text run_id status reason dataset architecture objective posterior likelihood
    int latent_dim
    float kl_weight recon_weight effective_decoder_variance
    text device dtype
    int seed
    text kernel_backend executor
    int cohort_size epochs train_steps
    float train_seconds test_mse test_mse_sampled test_psnr_db test_distortion_nats test_rate_nats
    float test_elbo_nats test_log_likelihood_nats
    int active_units
    float mutual_information_nats total_correlation_nats dimensionwise_kl_nats
    float probe_linear_accuracy probe_knn_accuracy trustworthiness neighborhood_continuity
    float interpolation_evenness interpolation_precision prior_precision prior_recall
    float prior_density prior_coverage prior_frechet gmm_precision gmm_recall gmm_density
    float gmm_coverage gmm_frechet train_samples_per_s encode_samples_per_s decode_samples_per_s
    int peak_memory_bytes schema_version
    text data_hash hidden kernel
    int batch_size
    float learning_rate probe_linear_accuracy_pixels probe_linear_accuracy_pca
    float probe_linear_accuracy_random_encoder probe_knn_accuracy_pixels probe_knn_accuracy_pca
    float probe_knn_accuracy_random_encoder
    text sample_feature_space
    int sample_count importance_samples failed_step
    float mutual_information_gap sap modularity dci_disentanglement dci_completeness
    float dci_informativeness factor_vae_score test_ssim probe_linear_accuracy_10_labels
    float probe_linear_accuracy_10_labels_pixels probe_linear_accuracy_10_labels_pca
    float probe_linear_accuracy_10_labels_random_encoder probe_linear_accuracy_100_labels
    float probe_linear_accuracy_100_labels_pixels probe_linear_accuracy_100_labels_pca
    float probe_linear_accuracy_100_labels_random_encoder cluster_nmi cluster_nmi_pixels
    float cluster_nmi_pca cluster_nmi_random_encoder cluster_ari cluster_ari_pixels
    float cluster_ari_pca cluster_ari_random_encoder regression_r2_position
    float regression_r2_position_pixels regression_r2_position_pca
    float regression_r2_position_random_encoder regression_r2_scale regression_r2_scale_pixels
    float regression_r2_scale_pca regression_r2_scale_random_encoder regression_r2_orientation
    float regression_r2_orientation_pixels regression_r2_orientation_pca
    float regression_r2_orientation_random_encoder regression_r2_latents
    float regression_r2_latents_pixels regression_r2_latents_pca
    float regression_r2_latents_random_encoder decoder_jacobian_norm decoder_jacobian_norm_scaled
    float gaussian_precision gaussian_recall gaussian_density gaussian_coverage gaussian_frechet
    float prior_kernel_distance gmm_kernel_distance gaussian_kernel_distance
    float sample_classifier_accuracy
    text metric_notes engine stacking training_notes
    int latent_samples
    text kl_schedule
    float kl_warmup
    int kl_cycles
    float free_nats capacity_nats corruption decoder_decay decoder_variance
    text binarize learning_rate_milestones
    float learning_rate_decay adam_epsilon
"""
VERSION_5 = {
    name: kind
    for kind, *names in (line.split() for line in COLUMNS_OF_VERSION_5.strip().split("\n"))
    for name in names
}
FEWER = dict(list(VERSION_5.items())[: list(VERSION_5).index("learning_rate") + 1])
"""The columns of a program that measured less."""

SQL_TYPES = {"text": "TEXT", "int": "INTEGER", "float": "REAL"}


@pytest.fixture
def older(tmp_path, runs):
    """A store of the same version with fewer columns and one finished run."""
    path = tmp_path / "results.sqlite"
    columns = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in FEWER.items())
    connection = sqlite3.connect(path)
    connection.executescript(f"""
        CREATE TABLE runs ({columns}, config TEXT NOT NULL, PRIMARY KEY (run_id)) WITHOUT ROWID;
        CREATE TABLE curves (run_id TEXT NOT NULL, epoch INTEGER NOT NULL, loss REAL,
            squared_error REAL, rate_nats REAL, PRIMARY KEY (run_id, epoch)) WITHOUT ROWID;
        CREATE TABLE throughput (objective TEXT NOT NULL, latent_dim INTEGER NOT NULL,
            device TEXT NOT NULL, phase TEXT NOT NULL, batch_size INTEGER NOT NULL,
            repeat INTEGER NOT NULL, samples_per_s REAL NOT NULL, PRIMARY KEY (objective,
            latent_dim, device, phase, batch_size, repeat)) WITHOUT ROWID;
        PRAGMA application_id = {0x76616542};
        PRAGMA user_version = {SCHEMA_VERSION};
    """)
    known = {"run_id": runs[0].run_id, "status": "ok", "test_mse": 0.25, "data_hash": "data-hash"}
    row = [known.get(name) for name in FEWER]
    places = ", ".join("?" * (len(row) + 1))
    connection.execute(f"INSERT INTO runs VALUES ({places})", [*row, runs[0].canonical_json()])  # noqa: S608
    connection.commit()
    connection.close()
    return path


def rows(store):
    names = [column.name for column in COLUMNS]
    return [dict(zip(names, row, strict=True)) for batch in store.rows() for row in batch]


def test_a_column_keeps_its_type_as_long_as_the_version_stands():
    assert SCHEMA_VERSION == 5, "the columns above are those of version 5"
    kinds = {column.name: column.kind for column in COLUMNS}
    assert {name: kinds.get(name) for name in VERSION_5} == VERSION_5


def test_an_older_store_is_given_the_new_columns_and_goes_on(older, runs, finished):
    with Store(older) as store:
        assert store.pending(runs) == runs[1:]
        assert store.add([finished(runs[1], dci_completeness=0.5)]) == 1
        by_id = {row["run_id"]: row for row in rows(store)}
    assert by_id[runs[0].run_id]["test_mse"] == 0.25
    assert by_id[runs[0].run_id]["dci_completeness"] is None
    assert by_id[runs[1].run_id]["dci_completeness"] == 0.5


def test_an_older_store_is_read_where_it_cannot_be_written(older, runs):
    before = older.read_bytes()
    with Store(older, read_only=True) as store:
        (row,) = rows(store)
        (stored,) = store.stored()
    assert (row["test_mse"], row["dci_completeness"]) == (0.25, None)
    assert stored.config == runs[0].canonical_json()
    assert older.read_bytes() == before


def test_a_store_of_a_newer_program_is_refused_and_left_as_it_is(older):
    connection = sqlite3.connect(older)
    connection.execute("ALTER TABLE runs ADD COLUMN beauty REAL")
    connection.close()
    before = older.read_bytes()
    with pytest.raises(StoreError, match=r"newer program .this one knows no column beauty"):
        Store(older)
    assert older.read_bytes() == before
