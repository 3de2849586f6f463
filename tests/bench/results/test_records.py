"""Records: what a row holds, and what is refused."""

import pickle

import pytest

from bench.plan import SCHEMA_VERSION
from bench.results import COLUMNS, Curves, RunRecord


def test_a_row_has_every_column_and_null_where_it_does_not_apply(runs, finished):
    vae = next(run for run in runs if run.objective == "vae")
    row = finished(vae, test_mse=0.25).row()
    assert list(row) == [column.name for column in COLUMNS]
    assert row["run_id"] == vae.run_id
    assert row["posterior"] == "diagonal"
    assert row["hidden"] == "128x128"
    assert row["kl_weight"] == 0.1
    assert row["effective_decoder_variance"] == 0.05
    assert row["test_mse"] == 0.25
    assert row["test_rate_nats"] is None
    assert row["schema_version"] == SCHEMA_VERSION


def test_an_autoencoder_has_no_kl_weight(runs, finished):
    row = finished(next(run for run in runs if run.objective == "ae")).row()
    assert (row["posterior"], row["kl_weight"]) == ("point", None)
    assert row["effective_decoder_variance"] is None


def test_what_follows_from_the_configuration_is_no_measurement(runs):
    with pytest.raises(ValueError, match="'latent_dim' is no measured column"):
        RunRecord(config=runs[0], status="ok", values={"latent_dim": 3})


def test_an_unknown_status_is_refused(runs):
    with pytest.raises(ValueError, match="status 'done'; ok, failed, skipped are allowed"):
        RunRecord(config=runs[0], status="done")  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_a_run_that_is_not_ok_says_why(runs, reason):
    with pytest.raises(ValueError, match="is failed without a reason"):
        RunRecord(config=runs[0], status="failed", reason=reason)


def test_a_reason_is_one_printable_line(runs):
    record = RunRecord(config=runs[0], status="failed", reason="a\n\x1b[31m  b" + "c" * 1000)
    assert record.reason is not None
    assert record.reason.startswith("a [31m bc")
    assert len(record.reason) == 500


def test_a_record_travels_between_processes(runs, finished):
    record = finished(runs[0], test_mse=0.5)
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301


def test_curves_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"curves of \[1, 2\] epochs"):
        Curves((1.0, 2.0), (1.0, 2.0), (1.0,))


def test_epochs_count_from_one_and_an_autoencoder_has_no_rate():
    assert Curves((3.0, 2.0), (1.0, 0.5)).rows() == [(1, 3.0, 1.0, None), (2, 2.0, 0.5, None)]
