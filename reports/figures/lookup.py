"""Pick the numbers of a summary that a finding names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports import wording
from reports.statistics import Estimate
from reports.study import AE, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from reports.metrics import Metric

    Row = dict[str, Any]


def interval(row: Row) -> str:
    """Write the estimate of a summary row (mean, half_width, n)."""
    return wording.interval(Estimate(row["mean"], row["half_width"], row["n"]))


def at_weight(row: Row) -> str:
    """Write an estimate and its KL weight: `15.4 ± 0.3 at KL weight 0.03`."""
    return f"{interval(row)} at KL weight {wording.weight(row['kl_weight'])}"


def regularised(summary: pd.DataFrame, latent_dim: float) -> list[Row]:
    """Rows with a KL weight at one latent dimension, by weight."""
    rows = summary[(summary["family"] != AE) & (summary["latent_dim"] == latent_dim)]
    return records(rows.sort_values("kl_weight"))


def autoencoder(summary: pd.DataFrame, latent_dim: float) -> list[Row]:
    """The AE's row (at most one) at one latent dimension."""
    return records(summary[(summary["family"] == AE) & (summary["latent_dim"] == latent_dim)])


def best(rows: Sequence[Row], metric: Metric) -> Row:
    """Row with the best mean."""
    pick = min if metric.better == "lower" else max
    return pick(rows, key=lambda row: float(row["mean"]))
