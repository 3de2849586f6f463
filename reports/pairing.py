"""Two sweeps side by side: which runs belong together, and what changed between them.

Runs are paired by what they are (objective, latent dimension, KL weight, and the posterior and
every further axis that both sweeps have a level of in common) and by seed. Runs of one identity,
the same `run_id`, are always such a pair. Where the two have a configuration but no seed in common,
means over seeds are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reports.metrics import METRICS
from reports.statistics import Estimate, difference_of_means, estimate
from reports.study import CONFIGURATION, HELD_AXES, with_family
from reports.sweep import SweepError

if TYPE_CHECKING:
    from reports.metrics import Metric
    from reports.sweep import Sweep

OUTCOMES = ("better", "worse", "changed", "within noise", "one seed", "equal")
"""Beyond noise and which way; `changed` for a metric of which neither way is better; `equal` when
every seed agrees to ROUNDING."""

ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two sweeps with what they share.

    Attributes
    ----------
    first, second
        The sweeps; every difference is second − first.
    cells
        One row a configuration and metric: `family`, `latent_dim`, `kl_weight`, the axes in
        `shared_axes`, `metric`, `first` and `second` (means over seeds), `difference`, `low`,
        `high`, `n`, `paired` (by seed or not) and `outcome`.
    seed_changes
        One row a pair of runs and metric: its configuration, `seed`, `metric`, `first`, `second`.
    shared_axes
        Further axes that have several levels in common, by which configurations are told apart.
    pairs, identical_ids
        Pairs of runs, and how many of them have one run id.
    only_first, only_second
        Configurations that one of the two lacks.
    """

    first: Sweep
    second: Sweep
    cells: pd.DataFrame
    seed_changes: pd.DataFrame
    shared_axes: tuple[str, ...]
    pairs: int
    identical_ids: int
    only_first: int
    only_second: int

    @property
    def metrics(self) -> list[Metric]:
        """Metrics that both sweeps have measured, in the order of their table."""
        found = set(self.cells["metric"])
        return [metric for metric in METRICS.values() if metric.column in found]

    def with_every_seed(self, metric: Metric) -> pd.DataFrame:
        """Rows of `seed_changes` of the configurations that have every seed there is."""
        rows = self.seed_changes[self.seed_changes["metric"] == metric.column]
        keys = [*CONFIGURATION, *self.shared_axes]
        seeds = rows.groupby(keys, dropna=False)["seed"].transform("nunique")
        return rows[seeds == rows["seed"].nunique()]

    def overall(self, metric: Metric) -> Estimate:
        """Mean difference over configurations with every seed, with the spread over seeds."""
        rows = self.with_every_seed(metric)
        return estimate((rows["second"] - rows["first"]).groupby(rows["seed"]).mean().to_numpy())


def pair(first: Sweep, second: Sweep) -> Pairing:
    """Pair two sweeps; raises SweepError when they have nothing in common."""
    a, b = (sweep.runs[sweep.runs["status"] == "ok"] for sweep in (first, second))
    for sweep, runs in ((first, a), (second, b)):
        if runs.empty:
            raise SweepError(f"{sweep.directory}: no run is ok, so there is nothing to compare")
    a, b = _with_families(a, b)
    data_sets = [sorted({*runs["dataset"]}) for runs in (a, b)]
    if not {*data_sets[0]} & {*data_sets[1]}:
        raise SweepError(
            f"{first.directory} and {second.directory}: different data sets "
            f"({', '.join(data_sets[0])} and {', '.join(data_sets[1])}) cannot be compared"
        )
    matched = [axis for axis in HELD_AXES if set(a[axis].dropna()) & set(b[axis].dropna())]
    keys = [*CONFIGURATION, *matched]
    of_a, of_b = (set(map(tuple, _filled(runs)[keys].to_numpy())) for runs in (a, b))
    if not of_a & of_b:
        raise SweepError(
            f"{first.directory} and {second.directory}: no configuration in common "
            "(objective, latent dimension, KL weight)"
        )
    shared = tuple(axis for axis in matched if len({*a[axis].dropna(), *b[axis].dropna()}) > 1)
    columns = [name for name in METRICS if a[name].notna().any() and b[name].notna().any()]
    merged = a.merge(b, on=[*keys, "seed"], suffixes=("_a", "_b"))
    changes = _seed_changes(merged, [*CONFIGURATION, *shared, "seed"], columns)
    return Pairing(
        first,
        second,
        cells=_cells(a, b, [*CONFIGURATION, *shared], columns),
        seed_changes=changes,
        shared_axes=shared,
        pairs=len(merged),
        identical_ids=int((merged["run_id_a"] == merged["run_id_b"]).sum()),
        only_first=len(of_a - of_b),
        only_second=len(of_b - of_a),
    )


def _with_families(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add `family`, named alike in both, so that a family has one name beside more of its kind.

    An objective of which the two share no posterior goes by its own name: the posterior is then a
    setting that changed, as any other may.
    """
    kinds = [set(zip(runs["objective"], runs["posterior"], strict=True)) for runs in (a, b)]
    shared = {objective for objective, _ in kinds[0] & kinds[1]}
    named = with_family(pd.concat([a, b], ignore_index=True))
    plain = ~named["objective"].isin(shared)
    named.loc[plain, "family"] = named.loc[plain, "objective"]
    return named.iloc[: len(a)], named.iloc[len(a) :]


def _filled(runs: pd.DataFrame) -> pd.DataFrame:
    """NaN of an axis that means nothing for a run as None, which equals itself."""
    return runs.astype(object).where(runs.notna(), None)


def _seed_changes(merged: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    frames = [
        merged[keys].assign(
            metric=column, first=merged[f"{column}_a"], second=merged[f"{column}_b"]
        )
        for column in columns
    ]
    found = pd.concat(frames, ignore_index=True) if frames else merged[keys].head(0)
    return found.reindex(columns=[*keys, "metric", "first", "second"]).dropna(
        subset=["first", "second"]
    )


def _cells(a: pd.DataFrame, b: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    groups = [dict(list(runs.groupby(keys, dropna=False))) for runs in (a, b)]
    # A group's name holds NaN, which equals nothing: as text it does.
    named = [{str(name): (name, runs) for name, runs in found.items()} for found in groups]
    rows = []
    for text in (text for text in named[0] if text in named[1]):
        name, of_a = named[0][text]
        of_b = named[1][text][1]
        for column in columns:
            cell = _cell(of_a, of_b, METRICS[column])
            if cell:
                rows.append(dict(zip(keys, name, strict=True)) | {"metric": column} | cell)
    extra = ["metric", "first", "second", "difference", "low", "high", "n", "paired", "outcome"]
    return pd.DataFrame(rows, columns=[*keys, *extra])


def _cell(of_a: pd.DataFrame, of_b: pd.DataFrame, metric: Metric) -> dict[str, object]:
    """Compare one metric of one configuration; empty where one of the two lacks it."""
    a, b = (
        runs.dropna(subset=[metric.column]).groupby("seed")[metric.column].mean()
        for runs in (of_a, of_b)
    )
    if a.empty or b.empty:
        return {}
    differences = (b - a).dropna().to_numpy()
    found = estimate(differences) if len(differences) else difference_of_means(a, b)
    return {
        "first": float(a.mean()),
        "second": float(b.mean()),
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "paired": bool(len(differences)),
        "outcome": _outcome(_is_rounding(a, b), found, metric),
    }


def _is_rounding(a: pd.Series, b: pd.Series) -> bool:
    """Whether all seeds that both have differ by no more than rounding of single precision."""
    both = pd.concat([a, b], axis="columns").dropna().to_numpy(dtype=np.float64)
    off = np.abs(both[:, 1] - both[:, 0])
    return bool(len(both)) and bool((off <= ROUNDING * np.abs(both).max(axis=1)).all())


def _outcome(equal: bool, found: Estimate, metric: Metric) -> str:
    if equal:
        return "equal"
    if not np.isfinite(found.half_width):
        return "one seed"
    return judge(found, metric)


def judge(found: Estimate, metric: Metric) -> str:
    """Say which way a difference goes, where its interval does not hold zero."""
    if not found.excludes_zero:
        return "within noise"
    if metric.better == "neither":
        return "changed"
    return "better" if (found.mean > 0) == (metric.better == "higher") else "worse"
