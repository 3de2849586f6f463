"""One cohort from first step to records."""

import dataclasses

import numpy as np
import pytest
import torch

from bench.measure import cohort as module
from bench.measure.cohort import CohortWork
from bench.measure.configured import build_model, training_of
from bench.measure.reference import load_reference
from bench.plan import Cohort, SweepSpec, expand, group
from bench.results.columns import MEASURED
from kernels import BackendError
from vae_core import DataError, Member, load

EPOCHS, STEPS = 3, 12

NEVER_ON_A_CPU = {"peak_memory_bytes"}
APART = {"train_samples_per_s", "encode_samples_per_s", "decode_samples_per_s"}
FAILED_ONLY = {"failed_step"}
NOTES = {"metric_notes", "training_notes"}
FACTORS_ONLY = {
    "mutual_information_gap", "sap", "modularity", "factor_vae_score",
    "dci_disentanglement", "dci_completeness", "dci_informativeness",
}  # fmt: skip
TARGETS_ONLY = {name for name in MEASURED if name.startswith("regression_")}
CLASSIFIER_ONLY = {"sample_classifier_accuracy"}
RATES = {
    "kernel_backend", "test_rate_nats", "test_elbo_nats", "test_log_likelihood_nats",
    "importance_samples", "mutual_information_nats", "total_correlation_nats",
    "dimensionwise_kl_nats",
}  # fmt: skip


def spec_of(**sections) -> SweepSpec:
    table = {
        "name": "small",
        "data": {"train_size": 128, "test_size": 40},
        "model": {"hidden": [12]},
        "sweep": {"latent_dim": [2], "kl_weight": [0.1, 1.0], "seed": [0, 1]},
        "training": {"epochs": EPOCHS, "batch_size": 32},
        "metrics": {"disentanglement": False},
    }
    for name, values in sections.items():
        table[name] = table[name] | values
    return SweepSpec.model_validate(table)


def work_of(spec) -> tuple[CohortWork, list[Cohort]]:
    data_hash = load_reference(spec.data, spec.metrics).dataset.content_hash
    return CohortWork(spec.data, spec.metrics, "local"), group(expand(spec, data_hash))


@pytest.fixture(scope="module")
def results():
    work, (cohort,) = work_of(spec_of())
    return work(cohort)


@pytest.fixture(scope="module")
def rows(results):
    return [result.record.row() for result in results]


def test_every_run_of_the_cohort_has_a_result_in_its_order(results):
    runs = [(r.record.config.objective, r.record.config.seed) for r in results]
    assert runs == [("ae", 0), ("ae", 1), ("vae", 0), ("vae", 0), ("vae", 1), ("vae", 1)]
    assert {result.record.status for result in results} == {"ok"}
    assert {result.record.reason for result in results} == {None}


def test_a_vae_has_every_measured_column_that_applies(rows):
    for row in rows[2:]:
        empty = {name for name in MEASURED if row[name] is None}
        inapplicable = FACTORS_ONLY | TARGETS_ONLY | CLASSIFIER_ONLY
        assert empty == NEVER_ON_A_CPU | APART | FAILED_ONLY | NOTES | inapplicable


def test_what_does_not_apply_to_an_autoencoder_is_null(rows):
    for ae, vae in zip(rows[:2], (rows[2], rows[4]), strict=True):
        empty = {name for name in MEASURED if ae[name] is None}
        assert empty - {name for name in MEASURED if vae[name] is None} == RATES
        assert (ae["kl_weight"], ae["effective_decoder_variance"]) == (None, None)


def test_a_record_says_how_it_was_made(rows):
    for row in rows:
        assert (row["executor"], row["cohort_size"]) == ("local", 6)
        assert (row["engine"], row["stacking"]) == ("eager", "native")
        assert (row["epochs"], row["train_steps"]) == (EPOCHS, STEPS)
        assert row["train_seconds"] > 0
        assert row["kernel_backend"] == (None if row["objective"] == "ae" else "reference")
    assert len({row["train_seconds"] for row in rows}) == 1


def test_controls_are_equal_where_latent_dimension_and_seed_are(rows):
    controls = [name for name in MEASURED if name.endswith(("_pixels", "_pca", "_random_encoder"))]
    assert {"probe_knn_accuracy_pca", "cluster_nmi_pixels"} < set(controls)
    for first, second in ((0, 2), (2, 3), (1, 4), (4, 5)):
        assert [rows[first][c] for c in controls] == [rows[second][c] for c in controls]
    for name in controls:
        same = rows[0][name] == rows[1][name]
        assert same or name.endswith("random_encoder")


def test_curves_have_an_epoch_a_value_and_a_rate_only_where_there_is_one(results):
    for result in results:
        curves = result.record.curves
        assert len(curves.loss) == len(curves.squared_error) == EPOCHS
        if result.record.config.objective == "ae":
            assert curves.rate_nats is None
            assert curves.loss == pytest.approx(curves.squared_error, rel=1e-6)
        else:
            beta = result.record.config.kl_weight
            expected = np.add(curves.squared_error, np.multiply(beta, curves.rate_nats))
            assert curves.loss == pytest.approx(expected.tolist(), rel=1e-5)


def test_weights_are_those_of_the_run_that_was_measured(results, small, tmp_path):
    x = small.pixels(small.test_images)
    for index, result in enumerate(results):
        path = tmp_path / f"{index}.safetensors"
        path.write_bytes(result.weights)
        model = load(path)
        with torch.no_grad():
            mse = torch.nn.functional.mse_loss(model(x), x).item()
        assert result.record.values["test_mse"] == pytest.approx(mse, rel=1e-4)
        assert model.is_stochastic == (result.record.config.objective == "vae")


def test_pictures_have_the_shapes_of_the_sweep_directory(results):
    shapes = {
        "originals": (16, 8, 8), "original_labels": (16,), "reconstructions": (16, 8, 8),
        "prior_samples": (40, 8, 8), "interpolations": (4, 9, 8, 8),
        "interpolation_labels": (4, 2), "codes": (40, 2), "code_labels": (40,),
        "mean_variance": (2,), "manifold": (15, 15, 8, 8), "manifold_axes": (2, 15),
        "ranked_originals": (12, 8, 8), "ranked_reconstructions": (12, 8, 8), "ranked_mse": (12,),
        "traversals": (2, 7, 8, 8), "traversal_dimensions": (2,), "traversal_values": (2, 7),
        "gaps": (6, 2), "gap_images": (6, 8, 8), "gaps_in_manifold": (6,),
    }  # fmt: skip
    for result in results:
        posterior = {"rate_per_dimension": (2,), "code_covariances": (40, 2, 2)}
        expected = shapes | (posterior if result.record.config.objective == "vae" else {})
        assert {name: a.shape for name, a in result.pictures.items()} == expected


def test_every_result_can_be_sent_to_another_process(results):
    import pickle

    again = pickle.loads(pickle.dumps(results))  # noqa: S301 - our own bytes
    assert [r.record for r in again] == [r.record for r in results]


def test_a_run_that_overflows_is_a_failed_record_and_its_mates_are_ok():
    """One absurd weight in a cohort: its row says the step; the others are as without it."""
    sane = spec_of(sweep={"objective": ["ae", "vae"], "kl_weight": [0.1], "seed": [0]})
    both = spec_of(sweep={"kl_weight": [0.1], "seed": [0], "recon_weight": [1.0, 1e38]})
    work, (cohort,) = work_of(both)
    by_weight = {(r.record.config.objective, r.record.config.recon_weight): r for r in work(cohort)}
    for objective in ("ae", "vae"):
        failed = by_weight[objective, 1e38]
        assert failed.record.status == "failed"
        assert failed.record.reason == f"the loss was no longer finite at step 0 of {STEPS}"
        assert failed.record.values["failed_step"] == 0
        assert (failed.weights, failed.pictures) == (None, None)
        assert "test_mse" not in failed.record.values

    work, (cohort,) = work_of(sane)
    for alone in work(cohort):
        mate = by_weight[alone.record.config.objective, 1.0]
        assert mate.record.status == "ok"
        assert mate.record.run_id == alone.record.run_id
        for name in ("test_mse", "test_rate_nats", "prior_frechet", "gmm_frechet"):
            expected = alone.record.row()[name]
            assert mate.record.row()[name] == (
                None if expected is None else pytest.approx(expected, rel=1e-3)
            )


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("value", [torch.inf, torch.nan, 3e38])
def test_a_run_whose_answers_are_no_numbers_fails_though_its_losses_were(monkeypatch, part, value):
    work, (cohort,) = work_of(spec_of(sweep={"seed": [0]}))
    train = module.train_cohort

    def poisoned(cohort, dataset):
        trained = train(cohort, dataset)
        with torch.no_grad():
            *_, bias = getattr(trained.model, part).parameters()
            bias[1] = value
        return trained

    monkeypatch.setattr(module, "train_cohort", poisoned)
    records = [result.record for result in work(cohort)]
    assert [record.status for record in records] == ["ok", "failed", "ok"]
    assert records[1].reason == f"after {STEPS} steps its codes or images are not finite"
    assert records[1].values["failed_step"] == STEPS


def test_other_data_than_the_plan_was_made_for_are_refused():
    spec = spec_of()
    work, (cohort,) = work_of(spec)
    planned = tuple(dataclasses.replace(run, data_hash="0" * 16) for run in cohort.runs)
    message = r"^data\.name: digits has content [0-9a-f]{16} here and 0{16} where the sweep"
    with pytest.raises(DataError, match=message):
        work(Cohort(planned))


def test_data_are_loaded_once_a_process():
    spec = spec_of()
    assert load_reference(spec.data, spec.metrics) is load_reference(spec.data, spec.metrics)


def test_a_model_has_a_member_for_each_run(small):
    _, (cohort,) = work_of(spec_of(sweep={"recon_weight": [2.0], "kl_weight": [0.1]}))
    model = build_model(cohort.runs, small)
    assert model.members == (
        Member("ae", 0, None, 2.0),
        Member("ae", 1, None, 2.0),
        Member("vae", 0, 0.1, 2.0),
        Member("vae", 1, 0.1, 2.0),
    )
    structure = model.structure
    assert (structure.architecture, structure.hidden, structure.latent_dim) == ("mlp", (12,), 2)
    assert (structure.image_shape, structure.likelihood) == ((1, 8, 8), "gaussian")


def test_training_is_that_of_the_run_with_its_kernel_resolved():
    _, (cohort,) = work_of(spec_of(training={"learning_rate": 0.5}))
    config = training_of(cohort.runs[0])
    assert (config.epochs, config.batch_size, config.learning_rate) == (EPOCHS, 32, 0.5)
    assert config.backend == "reference"


def test_a_kernel_that_cannot_be_had_is_refused():
    _, (cohort,) = work_of(spec_of())
    with pytest.raises(BackendError, match="'other'"):
        training_of(dataclasses.replace(cohort.runs[0], kernel="other"))
