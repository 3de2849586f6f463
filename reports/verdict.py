"""AE against VAE: the best configuration of each for each purpose, and how sure that is.

The best of many configurations, judged on the seeds it was chosen by, looks better than it is.
So every best stands beside the score of the same choice made without the scored seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reports import wording
from reports.metrics import METRICS
from reports.statistics import Estimate, estimate, paired_difference
from reports.study import AE, CONFIGURATION, Configuration

if TYPE_CHECKING:
    from reports.metrics import Metric
    from reports.study import Study


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a model is wanted for, and the metric that judges it."""

    name: str
    metric: Metric
    infinitive: str


PURPOSES = (
    Purpose("Reconstruction", METRICS["test_mse"], "reconstruct"),
    Purpose("Probing", METRICS["probe_linear_accuracy"], "classify from the code"),
    Purpose("Generation", METRICS["prior_coverage"], "generate from N(0, I)"),
)


@dataclass(frozen=True, slots=True)
class Best:
    """The best configuration of one family by one metric."""

    configuration: Configuration
    score: Estimate
    chosen_blind: Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """One purpose: the best AE, the best regularised model, and their paired difference.

    `tied` are the configurations, the best among them, that seed noise cannot tell from the best.
    """

    purpose: Purpose
    ae: Best | None
    vae: Best | None
    difference: Estimate | None
    contender: str
    candidates: int
    tied: tuple[Configuration, ...]

    @property
    def recommended(self) -> Best | None:
        """The better of the two by mean."""
        both = [best for best in (self.ae, self.vae) if best is not None]
        if not both:
            return None
        pick = min if self.purpose.metric.better == "lower" else max
        return pick(both, key=lambda best: best.score.mean)

    @property
    def outcome(self) -> str:
        """`vae`, `ae`, `tie` (within seed noise), `one-seed`, or `no-comparison`."""
        if self.difference is None or self.recommended is None:
            return "no-comparison"
        if not math.isfinite(self.difference.half_width):
            return "one-seed"
        if not self.difference.excludes_zero:
            return "tie"
        is_lower = self.difference.mean < 0
        return "vae" if is_lower == (self.purpose.metric.better == "lower") else "ae"


def best_configuration(runs: pd.DataFrame, metric: Metric) -> Best | None:
    """Choose the configuration with the best mean of a metric; None where nothing was measured."""
    scores = scores_by_seed(runs, metric)
    if scores.empty:
        return None
    row = _best_row(scores.mean(axis="columns"), metric)
    chosen = Configuration(*scores.index[row])
    return Best(chosen, estimate(scores.iloc[row]), _chosen_blind(scores, metric))


def compare(study: Study) -> list[Comparison]:
    """Compare AE and VAE for every purpose."""
    return [_compare(study, purpose) for purpose in PURPOSES]


def balanced_configuration(runs: pd.DataFrame) -> tuple[Configuration, int, int] | None:
    """Find the configuration whose worst rank over the measured purposes is best.

    Returns it with that rank and the number of configurations ranked; None where nothing was
    measured.
    """
    measured = [purpose.metric for purpose in PURPOSES if runs[purpose.metric.column].notna().any()]
    ranks = [
        scores_by_seed(runs, metric)
        .mean(axis="columns")
        .rank(ascending=metric.better == "lower", method="max")
        for metric in measured
    ]
    table = pd.concat(ranks, axis="columns").dropna() if ranks else pd.DataFrame()
    if table.empty:
        return None
    worst = table.max(axis="columns")
    first = int(np.lexsort([table.sum(axis="columns"), worst])[0])
    return Configuration(*table.index[first]), int(worst.iloc[first]), len(table)


def all_round(study: Study) -> str:
    """Recommend one configuration for all purposes; "" where there is no choice."""
    found = balanced_configuration(study.runs)
    if found is None or found[2] < 2:
        return ""
    configuration, rank, count = found
    return (
        f"For every purpose at once: {configuration.name} is among the best {rank} of {count} "
        "configurations for each."
    )


def sentence(comparison: Comparison) -> str:
    """Say the outcome of one purpose in plain words with its numbers."""
    metric, ae, vae = comparison.purpose.metric, comparison.ae, comparison.vae
    if ae is None or vae is None or comparison.difference is None:
        return _lone_sentence(comparison)
    name, n = comparison.contender, comparison.difference.n
    is_named = wording.family(vae.configuration.family) == name
    numbers = (
        f"the best {name} "
        f"({vae.configuration.size if is_named else vae.configuration.name}) has {metric.label} "
        f"{wording.interval(vae.score)}, the best AE ({ae.configuration.size}) "
        f"{wording.interval(ae.score)}"
    )
    judgement = {
        "tie": f"over {n} seeds: a tie within seed noise",
        "one-seed": "in one seed, so noise cannot be told from effect",
        "ae": f"over {n} seeds: the AE is better beyond seed noise",
        "vae": f"over {n} seeds: the {name} is better beyond seed noise",
    }[comparison.outcome]
    return (
        f"{comparison.purpose.name}: {numbers}; paired difference {name} {wording.MINUS} AE "
        f"{wording.signed(comparison.difference)} {judgement}."
    )


def recommendation(comparison: Comparison) -> str:
    """Say what to take for a purpose, why, and how sure that is."""
    best, metric = comparison.recommended, comparison.purpose.metric
    if best is None:
        return f"To {comparison.purpose.infinitive}: {metric.label} was not measured."
    text = (
        f"To {comparison.purpose.infinitive}: take {best.configuration.name} "
        f"({metric.label} {wording.interval(best.score)})."
    )
    if comparison.candidates == 1:
        return f"{text} No other configuration competes."
    if math.isnan(best.score.half_width):
        return f"{text} One seed: how sure cannot be said."
    others = [other for other in comparison.tied if other.name != best.configuration.name]
    if not others:
        return f"{text} Every other configuration is worse beyond seed noise."
    smallest = min(others, key=lambda other: (other.latent_dim, -np.nan_to_num(other.kl_weight)))
    smaller = (
        f"the smallest of them is {smallest.name}"
        if smallest.latent_dim < best.configuration.latent_dim
        else "none of them has fewer latent dimensions"
    )
    return (
        f"{text} Seed noise does not tell it from {len(others)} of the other "
        f"{comparison.candidates - 1} configurations; {smaller}."
    )


def _compare(study: Study, purpose: Purpose) -> Comparison:
    metric = purpose.metric
    ae, vae = best_configuration(study.ae, metric), best_configuration(study.vae, metric)
    difference = None
    if ae is not None and vae is not None:
        found = paired_difference(
            study.configuration_runs(ae.configuration),
            study.configuration_runs(vae.configuration),
            metric.column,
        )
        difference = found if found.n else None
    scores = scores_by_seed(study.runs, metric)
    tied = _tied(scores, metric)
    return Comparison(purpose, ae, vae, difference, study.contender, len(scores), tied)


def scores_by_seed(runs: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Scores as configurations × seeds, of configurations with the full number of seeds.

    One that lacks a seed, because a run failed or has not finished, might win by luck alone. AEs
    are held against AEs and regularised models against their like, so that both have a best.
    """
    present = runs.dropna(subset=[metric.column])
    means = present.groupby([*CONFIGURATION, "seed"], dropna=False)[metric.column].mean()
    table: pd.DataFrame = means.unstack("seed")  # noqa: PD010 (a table of a series, nothing to aggregate)
    counts = table.notna().sum(axis="columns")
    is_ae = table.index.get_level_values("family") == AE
    complete: pd.DataFrame = table[counts == counts.groupby(is_ae).transform("max")]
    return complete


def _best_row(means: pd.Series, metric: Metric) -> int:
    values = means.to_numpy(dtype=float)
    return int(np.nanargmin(values) if metric.better == "lower" else np.nanargmax(values))


def _chosen_blind(scores: pd.DataFrame, metric: Metric) -> Estimate:
    """Score each seed by the configuration that is best on the other seeds."""
    blind = []
    for seed in scores.columns:
        others = scores.drop(columns=seed).mean(axis="columns").where(scores[seed].notna())
        if others.notna().any():
            blind.append(scores[seed].iloc[_best_row(others, metric)])
    return estimate(blind)


def _tied(scores: pd.DataFrame, metric: Metric) -> tuple[Configuration, ...]:
    """Configurations whose paired difference from the best has an interval that holds zero."""
    if scores.empty:
        return ()
    best = scores.iloc[_best_row(scores.mean(axis="columns"), metric)]
    return tuple(
        Configuration(*name)
        for name, row in zip(scores.index, scores.to_numpy(), strict=True)
        if not estimate(row - best.to_numpy()).excludes_zero
    )


def _lone_sentence(comparison: Comparison) -> str:
    metric = comparison.purpose.metric
    best = comparison.recommended
    if best is None:
        return f"{comparison.purpose.name}: {metric.label} was not measured."
    return (
        f"{comparison.purpose.name}: the best measured is {best.configuration.name} with "
        f"{metric.label} {wording.interval(best.score)}; there is nothing to compare it with."
    )
