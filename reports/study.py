"""The comparison that figures and verdict draw from: the ok runs of one slice of a sweep.

A sweep may vary more than objective, latent dimension, KL weight and seed. Averaging over, say,
two devices would count a seed twice, so every further axis is held at one level, and the page
says at which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from reports import wording
from reports.statistics import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.metrics import Metric
    from reports.sweep import Sweep

AE = "ae"
PLAIN_LEVELS = ("float32", "diagonal")
"""What a specification that says nothing gets, of axes whose values have names."""
HELD_AXES = {
    "dataset": "data set",
    "architecture": "architecture",
    "hidden": "hidden layers",
    "likelihood": "likelihood",
    "recon_weight": "reconstruction weight",
    "latent_samples": "latents drawn of an image",
    "device": "device",
    "dtype": "dtype",
    "epochs": "epochs",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
}


class Configuration(NamedTuple):
    """What the sweep varied, apart from the seed; `kl_weight` is NaN for an AE."""

    family: str
    latent_dim: float
    kl_weight: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Configuration:
        """Configuration of a run or of a summary row."""
        return cls(str(row["family"]), float(row["latent_dim"]), float(row["kl_weight"]))

    @property
    def name(self) -> str:
        """In words: `VAE, latent 16, KL weight 0.01`."""
        return f"{wording.family(self.family)}, {self.size}"

    @property
    def size(self) -> str:
        """In words, without the family."""
        name = f"latent {self.latent_dim:g}"
        if math.isfinite(self.kl_weight):
            name += f", KL weight {wording.weight(self.kl_weight)}"
        return name


CONFIGURATION = list(Configuration._fields)


@dataclass(frozen=True, slots=True)
class Study:
    """Ok runs of one slice: an AE (perhaps) and one or more regularised families.

    `runs` has the columns of the sweep's runs and `family`: the objective, with the posterior
    when an objective was run with several.
    """

    sweep: Sweep
    runs: pd.DataFrame
    held: dict[str, str]

    @property
    def ae(self) -> pd.DataFrame:
        """Runs without a KL term."""
        return self.runs[self.runs["family"] == AE]

    @property
    def vae(self) -> pd.DataFrame:
        """Runs with a KL term, of every family here."""
        return self.runs[self.runs["family"] != AE]

    @property
    def families(self) -> list[str]:
        """Regularised families, VAE first."""
        found = sorted(set(self.vae["family"]), key=lambda name: (name != "vae", name))
        return [str(name) for name in found]

    @property
    def contender(self) -> str:
        """Name of what the AE is compared with: its family where there is one."""
        if len(self.families) > 1:
            return "regularised model"
        return wording.family(self.families[0]) if self.families else "VAE"

    @property
    def latent_dims(self) -> list[int]:
        """Latent dimensions, ascending."""
        return sorted(int(dim) for dim in self.runs["latent_dim"].dropna().unique())

    @property
    def kl_weights(self) -> list[float]:
        """KL weights, ascending."""
        return sorted(float(weight) for weight in self.vae["kl_weight"].dropna().unique())

    def of_family(self, family: str) -> Study:
        """Narrow to the AE and one regularised family."""
        kept = self.runs["family"].isin([AE, family])
        return Study(self.sweep, self.runs[kept], self.held)

    def summary(self, metric: Metric) -> pd.DataFrame:
        """Mean and interval of a metric for each configuration (family, latent_dim, kl_weight)."""
        return summarise(self.runs, CONFIGURATION, metric.column, metric.bounds)

    def configuration_runs(self, wanted: Configuration) -> pd.DataFrame:
        """Runs, one a seed, of one configuration."""
        runs = self.runs
        weights = runs["kl_weight"]
        same_weight = (
            weights.isna() if math.isnan(wanted.kl_weight) else weights == wanted.kl_weight
        )
        same_size = runs["latent_dim"] == wanted.latent_dim
        return runs[same_weight & same_size & (runs["family"] == wanted.family)]


def main_study(sweep: Sweep) -> Study:
    """Keep the ok runs at the commonest level of every held axis."""
    runs, held = _one_autoencoder(with_family(sweep.runs[sweep.runs["status"] == "ok"]))
    for axis, label in HELD_AXES.items():
        if len(set(runs[axis].dropna())) > 1:
            runs, level = _hold(runs, axis)
            held[label] = level
    return Study(sweep, runs.reset_index(drop=True), held)


def _one_autoencoder(runs: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Keep one objective without a KL weight, the plain AE if it is there, as what others are
    compared with; say which where there was a choice.
    """
    unweighted = runs.groupby("family")["kl_weight"].transform("count") == 0
    found = sorted(set(runs.loc[unweighted, "family"]), key=lambda name: (name != AE, name))
    if found in ([], [AE]):
        return runs, {}
    runs = runs[~unweighted | (runs["family"] == found[0])]
    renamed = runs["family"].where(runs["family"] != found[0], AE)
    return runs.assign(family=renamed), {"autoencoder": wording.family(found[0])}


def with_family(runs: pd.DataFrame) -> pd.DataFrame:
    """Add `family`: the objective, and the posterior where an objective has several."""
    posteriors = runs.groupby("objective")["posterior"].transform("nunique")
    several = (runs["objective"] + " " + runs["posterior"]).where(posteriors > 1)
    return runs.assign(family=several.fillna(runs["objective"]))


def _hold(runs: pd.DataFrame, axis: str) -> tuple[pd.DataFrame, str]:
    """Hold an axis at its commonest level among regularised runs; AEs follow where they can.

    An axis that means nothing for an AE has only one level there, which is kept.
    """
    is_ae = runs["family"] == AE
    regularised = runs[~is_ae]
    level = _commonest(regularised[axis] if len(regularised) else runs[axis])
    autoencoders = runs[is_ae]
    has_other = autoencoders[axis].notna().any() and not (autoencoders[axis] == level).any()
    ae_level = _commonest(autoencoders[axis]) if has_other else level
    kept = runs[axis].where(runs[axis].notna(), level) == np.where(is_ae, ae_level, level)
    said = _written(level)
    return runs[kept], f"{said} (AE: {_written(ae_level)})" if has_other else said


def _written(level: str | float) -> str:
    return wording.weight(level) if isinstance(level, float) else level


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as dictionaries with text keys."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _commonest(values: pd.Series) -> str | float:
    """The commonest level; of several the plainest: a specification's default, the smallest."""
    counts = values.value_counts()
    tied = counts.index[counts == counts.max()]
    level = min(tied, key=lambda value: (value not in PLAIN_LEVELS, value))
    return float(level) if isinstance(level, (int, float)) else str(level)


def select_spread(values: list[int] | list[float], at_most: int) -> list[float]:
    """Pick at most `at_most` of sorted values, evenly by rank, both ends included."""
    if len(values) <= at_most:
        return [float(value) for value in values]
    ranks = np.linspace(0, len(values) - 1, at_most).round().astype(int)
    return [float(values[rank]) for rank in ranks]
