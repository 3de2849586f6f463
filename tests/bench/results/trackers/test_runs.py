"""What a tracker is told is what lies in the store."""

import pytest


def test_runs_that_have_ended_are_told_and_no_others(tracked):
    assert set(tracked) == {("ae", True), ("vae", True), ("vae", False)}


def test_configuration_numbers_words_and_curves_are_apart(tracked):
    run = tracked["vae", True]
    assert (run.configuration["latent_dim"], run.configuration["kl_weight"]) == (2, 0.1)
    assert run.numbers == {
        "test_mse": 0.125,
        "active_units": 2.0,
        "train_seconds": 1.5,
        "encode_samples_per_s": 4096.0,
    }
    assert run.words == {"engine": "eager"}
    assert run.curves == {
        "loss": [(1, 3.0), (2, 2.0)],
        "squared_error": [(1, 2.5), (2, 1.75)],
        "rate_nats": [(1, 0.5), (2, 0.25)],
    }


def test_what_does_not_apply_is_left_out(tracked):
    assert "kl_weight" not in tracked["ae", True].configuration
    assert set(tracked["ae", True].curves) == {"loss", "squared_error"}


def test_a_failed_run_has_its_reason(tracked):
    run = tracked["vae", False]
    assert run.words == {"reason": "no luck"}
    assert run.numbers == run.curves == {}


@pytest.mark.parametrize("names", [{"run_id"}, {"status"}])
def test_what_a_tracker_keeps_by_itself_is_no_parameter(tracked, names):
    assert not names & tracked["vae", True].configuration.keys()
