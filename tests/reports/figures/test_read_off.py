from __future__ import annotations

import pytest

from reports.figures import Missing
from reports.figures.read_off import TITLE, read_off_codes
from reports.showcase import reference_dim, showcase
from reports.study import main_study
from reports.sweep import read_sweep


@pytest.fixture(scope="module")
def study(default_sweep):
    return main_study(read_sweep(default_sweep))


def test_every_score_stands_beside_its_controls(study):
    data = read_off_codes(study).data
    kinds = {"raw pixels", "PCA", "untrained encoder", "AE", "VAE"}
    assert set(data["metric"]) == {
        "probe_linear_accuracy_10_labels", "probe_linear_accuracy_100_labels",
        "probe_linear_accuracy", "probe_knn_accuracy", "cluster_nmi", "cluster_ari",
    }  # fmt: skip
    for _, rows in data.groupby("metric"):
        assert set(rows["codes"]) == kinds


def test_marks_are_means_of_the_runs_they_are_named_after(study):
    data = read_off_codes(study).data.set_index(["metric", "codes"])["mean"]
    runs = study.runs[study.runs["latent_dim"] == reference_dim(study)]
    vae = runs[runs["kl_weight"] == showcase(study)["vae"]["kl_weight"]]
    for codes, column, rows in (
        ("VAE", "cluster_nmi", vae),
        ("AE", "cluster_nmi", runs[runs["family"] == "ae"]),
        ("PCA", "cluster_nmi_pca", vae),
    ):
        assert data["cluster_nmi", codes] == pytest.approx(rows[column].mean())


def test_what_was_not_measured_is_said(sweep_writer):
    sweep_writer.columns = dict.fromkeys(
        ["probe_linear_accuracy", "probe_knn_accuracy", "cluster_nmi", "cluster_ari",
         "probe_linear_accuracy_10_labels", "probe_linear_accuracy_100_labels"],
    )  # fmt: skip
    sweep_writer.pictures = False
    missing = read_off_codes(main_study(read_sweep(sweep_writer.write())))
    assert missing == Missing(TITLE, "no run has a probe, clusters or targets")
