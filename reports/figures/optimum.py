"""The closed form of linear models, kept with their pictures, beside what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reports import wording
from reports.study import records
from reports.sweep import SamplesError

if TYPE_CHECKING:
    from reports.study import Study

ARRAYS = ("closed_form_kl_weight", "closed_form_rate_nats", "closed_form_distortion_nats")
FAMILY = "closed form"
MARGIN = 1.5


def optimum_curves(study: Study, measured: pd.DataFrame) -> pd.DataFrame:
    """Rate and distortion of the optimum at each measured latent dimension, by KL weight.

    Columns family, latent_dim, kl_weight, rate_mean, distortion_mean, cut to a little more than the
    weights that were measured; empty where no run has a closed form.
    """
    weights = measured["kl_weight"]
    low, high = weights.min() / MARGIN, weights.max() * MARGIN
    frames = []
    for run in records(study.vae.sort_values("seed").drop_duplicates("latent_dim")):
        if run["latent_dim"] not in set(measured["latent_dim"]):
            continue
        try:
            curve = study.sweep.arrays(run["run_id"], *ARRAYS)
        except SamplesError:  # no linear model, or a run that left no pictures
            continue
        frame = pd.DataFrame(
            dict(zip(("kl_weight", "rate_mean", "distortion_mean"), curve, strict=True))
        ).assign(family=FAMILY, latent_dim=run["latent_dim"])
        frames.append(frame[frame["kl_weight"].between(low, high)])
    columns = ["family", "latent_dim", "kl_weight", "rate_mean", "distortion_mean"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def optimum_finding(optimum: pd.DataFrame, measured: pd.DataFrame) -> str:
    """State the largest distance of a measured rate from the closed form's."""
    worst, place = -1.0, ""
    for row in records(measured):
        curve = optimum[optimum["latent_dim"] == row["latent_dim"]].sort_values("kl_weight")
        if curve.empty or not row["kl_weight"] > 0:
            continue
        expected = np.interp(
            np.log(row["kl_weight"]), np.log(curve["kl_weight"]), curve["rate_mean"]
        )
        off = abs(row["rate_mean"] - float(expected))
        if off > worst:
            worst = off
            place = (
                f"latent {row['latent_dim']:g}, KL weight {wording.weight(row['kl_weight'])}, "
                f"where it gives {wording.number(float(expected))}"
            )
    return (
        f"The measured rate lies within {wording.number(worst, 2)} nats of the closed form, "
        f"farthest at {place}."
    )
