"""AE against VAE and each KL weight against the next: which differences are established.

A difference is paired by seed and, within a seed, averaged over the latent dimensions that both
sides have. All p-values of one table are adjusted together.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reports import wording
from reports.statistics import (
    CONFIDENCE,
    adjust_for_multiplicity,
    bootstrap_interval,
    estimate,
    p_value,
)
from reports.study import AE, select_spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.metrics import Metric
    from reports.study import Study

MOST_WEIGHTS = 8
ALPHA = 1 - CONFIDENCE


def contrasts(study: Study, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Paired differences of every metric, one row a comparison.

    Returns
    -------
    `metric`; `kl_weight` and `against`, a KL weight or NaN for the AE; `mean`, `low`, `high` of the
    difference with its t interval; `bootstrap_low`, `bootstrap_high`; `p` and `p_holm`; `n` seeds;
    `dimensions` averaged over; `verdict`: better, worse or open. Comparisons without a pair are
    left out.
    """
    rows = [row for metric in metrics for row in _of_metric(study, metric)]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    table["p_holm"] = adjust_for_multiplicity(table["p"])
    lower = table["metric"].isin([m.column for m in metrics if m.better == "lower"])
    improves = (table["mean"] < 0) == lower
    table["verdict"] = np.where(improves, "better", "worse")
    table.loc[~(table["p_holm"] <= ALPHA), "verdict"] = "open"
    return table


def sentence(table: pd.DataFrame, metric: Metric, contender: str) -> str:
    """Say of one metric what is established of each KL weight against the AE, and what is not."""
    rows = table[(table["metric"] == metric.column) & table["against"].isna()]
    said = [
        f"{verdict} at {_weights(rows[rows['verdict'] == verdict])}"
        for verdict in ("better", "worse")
        if (rows["verdict"] == verdict).any()
    ]
    still_open = rows[rows["verdict"] == "open"]
    if not said:
        return f"{metric.label}: no difference between {contender} and AE is established"
    text = f"{metric.label}: the {contender} is {' and '.join(said)}"
    return f"{text}, open at {_weights(still_open)}" if len(still_open) else text


def _weights(rows: pd.DataFrame) -> str:
    return ", ".join(wording.weight(value) for value in rows["kl_weight"])


def _of_metric(study: Study, metric: Metric) -> Iterator[dict[str, Any]]:
    weights = select_spread(study.kl_weights, MOST_WEIGHTS)
    tables = {weight: _table(study.vae, metric, weight) for weight in weights}
    alone = _table(study.runs[study.runs["family"] == AE], metric, None)
    pairs = [(weight, np.nan, tables[weight], alone) for weight in weights]
    pairs += [
        (later, earlier, tables[later], tables[earlier]) for earlier, later in pairwise(tables)
    ]
    for weight, against, second, first in pairs:
        difference = (second - first).dropna(axis="columns", how="all").dropna(axis="index")
        if difference.empty:
            continue
        by_seed = difference.mean(axis="index").to_numpy()
        found = estimate(by_seed)
        low, high = bootstrap_interval(by_seed)
        yield {
            "metric": metric.column,
            "kl_weight": weight,
            "against": against,
            "mean": found.mean,
            "low": found.low,
            "high": found.high,
            "bootstrap_low": low,
            "bootstrap_high": high,
            "p": p_value(by_seed),
            "n": found.n,
            "dimensions": len(difference),
        }


def _table(runs: pd.DataFrame, metric: Metric, kl_weight: float | None) -> pd.DataFrame:
    """Return a metric as latent dimensions × seeds."""
    kept = runs if kl_weight is None else runs[runs["kl_weight"] == kl_weight]
    present = kept.dropna(subset=[metric.column])
    means = present.groupby(["latent_dim", "seed"])[metric.column].mean()
    table: pd.DataFrame = means.unstack("seed")  # noqa: PD010 (a table of a series)
    return table
