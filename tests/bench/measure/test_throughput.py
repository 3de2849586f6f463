"""Timed repeats: complete, of what they say, and of nothing that a clock could not tell."""

from collections import Counter

import pytest

from bench.measure import throughput
from bench.measure.throughput import measure_throughput, one_run_of_each
from bench.plan import SweepSpec, expand

LATENT_DIMS, REPEATS = (2, 3), 2


@pytest.fixture
def runs(small):
    spec = SweepSpec.model_validate(
        {
            "name": "small",
            "model": {"hidden": [8]},
            "sweep": {"latent_dim": LATENT_DIMS, "kl_weight": [0.1, 1.0], "seed": [0, 1]},
            "training": {"batch_size": 32},
        }
    )
    return one_run_of_each(expand(spec, small.content_hash))


@pytest.fixture
def records(runs, small, monkeypatch):
    monkeypatch.setattr(throughput, "REPEATS", REPEATS)
    monkeypatch.setattr(throughput, "WARM_UP_CALLS", 1)
    monkeypatch.setattr(throughput, "SECONDS_PER_REPEAT", 1e-6)
    return list(measure_throughput(runs, small))


def test_weights_and_seeds_are_not_timed_apart(runs):
    timed = [(run.device, run.latent_dim, run.objective) for run in runs]
    assert timed == [("cpu", 2, "ae"), ("cpu", 2, "vae"), ("cpu", 3, "ae"), ("cpu", 3, "vae")]


def test_every_phase_of_every_objective_and_latent_dimension_is_repeated(records):
    found = Counter((r.objective, r.latent_dim, r.phase, r.repeat) for r in records)
    expected = {
        (objective, latent_dim, phase, repeat)
        for objective in ("ae", "vae")
        for latent_dim in LATENT_DIMS
        for phase in ("train", "encode", "decode")
        for repeat in range(REPEATS)
    }
    assert set(found) == expected
    assert set(found.values()) == {1}
    assert {r.device for r in records} == {"cpu"}


def test_objectives_take_turns(records):
    first = [(r.repeat, r.objective) for r in records if r.latent_dim == 2 and r.phase == "train"]
    assert first == [(0, "ae"), (0, "vae"), (1, "ae"), (1, "vae")]


def test_rates_are_positive_and_say_their_batch(records):
    assert all(record.samples_per_s > 0 for record in records)
    sizes = {record.phase: record.batch_size for record in records}
    assert sizes == {"train": 32, "encode": 40, "decode": 40}


def test_inference_takes_a_large_batch_of_what_there_is(runs, small, monkeypatch):
    monkeypatch.setattr(throughput, "INFERENCE_BATCH", 7)
    monkeypatch.setattr(throughput, "REPEATS", 1)
    monkeypatch.setattr(throughput, "SECONDS_PER_REPEAT", 1e-6)
    sizes = {record.phase: record.batch_size for record in measure_throughput(runs[:1], small)}
    assert sizes == {"train": 32, "encode": 7, "decode": 7}


def test_samples_per_second_are_images_of_a_call_over_its_time(runs, small, monkeypatch):
    """With a clock on which every call takes a hundredth of a second."""

    class Timer:
        def __init__(self, stmt, globals, num_threads):  # noqa: A002 - torch's own name
            self.call = globals["call"]

        def timeit(self, calls):
            self.call()
            return type("Measurement", (), {"mean": 0.01})

    monkeypatch.setattr(throughput, "Timer", Timer)
    found = {(r.phase, r.samples_per_s) for r in measure_throughput(runs, small)}
    assert found == {("train", 3200.0), ("encode", 4000.0), ("decode", 4000.0)}


def test_what_is_timed_does_the_work(runs, small):
    subjects = {s.phase: s for s in throughput._subjects(runs[1], small)}
    assert subjects["encode"].call().mu.shape == (40, 2)
    assert subjects["decode"].call().shape == (40, 1, 8, 8)
    losses = [subjects["train"].call().loss.item() for _ in range(30)]
    assert losses[-1] < losses[0]  # a step that trains
