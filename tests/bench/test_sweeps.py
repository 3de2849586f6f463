"""The specifications that come with the suite: all are read, and the published one is rehearsed."""

import math

import pytest

from bench.measure.cohort import CohortWork
from bench.measure.reference import load_reference
from bench.plan import expand, group, load_spec
from bench.plan.loading import SWEEPS

REHEARSAL = [
    "data.name=digits",
    "data.train_size=200",
    "data.test_size=40",
    "model.hidden=[16, 16]",
    "sweep.latent_dim=[4]",
    "sweep.device=['cpu']",
    "sweep.seed=[0]",
    "training.epochs=5",
    "training.learning_rate_milestones=[1, 4]",
    "metrics.importance_samples=200",
    "metrics.probes=false",
    "metrics.geometry=false",
    "metrics.sample_quality=false",
]


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_sweep_that_is_shipped_is_read_and_named_like_its_file(path):
    spec = load_spec(path)
    assert spec.name == path.stem
    assert len(expand(spec, "hash")) == spec.run_count


def test_the_published_table_is_what_burda_2016_says():
    spec = load_spec(SWEEPS / "burda2016.toml")
    assert (spec.data.binarize, spec.metrics.importance_samples) == ("dynamic", 5_000)
    assert (spec.model.architecture, spec.model.hidden) == ("mlp-tanh", (200, 200))
    assert (spec.sweep.objective, spec.sweep.latent_samples) == (("vae", "iwae"), (1, 5, 50))
    training = spec.training
    assert (training.batch_size, training.adam_epsilon) == (20, 1e-4)
    passes = [3**i for i in range(8)]
    assert training.epochs == sum(passes)
    assert training.learning_rate_milestones == tuple(sum(passes[:i]) for i in range(1, 8))
    last = training.learning_rate * training.learning_rate_decay**7
    assert last == pytest.approx(1e-3 * 10 ** (-7 / 7))


def test_the_published_table_is_rehearsed_on_a_cpu():
    spec = load_spec(SWEEPS / "burda2016.toml", REHEARSAL)
    reference = load_reference(spec.data, spec.metrics)
    assert set(reference.test_pixels.ravel().tolist()) == {0.0, 1.0}
    rows = {}
    for cohort in group(expand(spec, reference.dataset.content_hash)):
        for result in CohortWork(spec.data, spec.metrics, "local")(cohort):
            row = result.record.row()
            assert row["status"] == "ok"
            rows[row["objective"], row["latent_samples"]] = row
    assert set(rows) == {(name, k) for name in ("vae", "iwae") for k in (1, 5, 50)}
    for row in rows.values():
        assert row["importance_samples"] == 200
        assert -64 * math.log(2) * 1.2 < row["test_log_likelihood_nats"] < 0
        assert row["test_log_likelihood_nats"] > row["test_elbo_nats"]
        assert row["learning_rate_milestones"] == "1 4"
