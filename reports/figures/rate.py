"""What the code carries: rate over the KL weight, how dimensions share it, active units."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.lookup import at_weight, autoencoder, best, interval, regularised
from reports.figures.over_weight import draw_over_weight, reading_note, summarise_over_weight
from reports.metrics import METRICS
from reports.showcase import reference_dim
from reports.study import records, select_spread
from reports.style import HALF_WIDTH_INCHES, MARKERS, weight_colours

if TYPE_CHECKING:
    from reports.study import Study
    from reports.style import Theme

RATE_TITLE = "How many nats does the code carry at each KL weight?"
ACTIVE_TITLE = "How many latent dimensions are in use?"
SHARE_TITLE = "How do the latent dimensions share the rate?"
RATE = METRICS["test_rate_nats"]
ACTIVE = METRICS["active_units"]
MOST_WEIGHTS = 7
CARRYING_NATS = 0.1


def rate(study: Study) -> Figure | Missing:
    """Rate over KL weight, one line a latent dimension."""
    if study.vae[RATE.column].isna().all():
        return Missing(RATE_TITLE, "no run has a rate (an AE has none)")
    summary = summarise_over_weight(study, [RATE])
    rows = regularised(summary, reference_dim(study))
    rows = rows or regularised(summary, summary["latent_dim"].max())
    ends = rows if len(rows) < 3 else [rows[0], rows[-1]]
    finding = (
        f"At latent dimension {rows[0]['latent_dim']:g} the code carries, in nats, "
        f"{' and '.join(at_weight(row) for row in ends)}"
    )
    return Figure(
        slug="rate",
        title=RATE_TITLE,
        finding=f"{finding}.",
        note=reading_note(study, summary),
        alt="Line chart of rate over KL weight, both logarithmic, one line a latent dimension.",
        data=summary,
        draw=partial(draw_over_weight, summary=summary, metrics=[RATE]),
    )


def active_units(study: Study) -> Figure | Missing:
    """Active units over KL weight with the AE at the left."""
    summary = summarise_over_weight(study, [ACTIVE])
    if summary.empty:
        return Missing(ACTIVE_TITLE, "no run has a count of active units")
    summary["high"] = np.minimum(summary["high"], summary["latent_dim"])  # there are no more
    return Figure(
        slug="active-units",
        title=ACTIVE_TITLE,
        finding=_active_finding(summary, study.contender),
        note=f"Active: the variance of the posterior mean over the test set exceeds 0.01. "
        f"{reading_note(study, summary)}",
        alt="Line chart of active units over KL weight, AE at the left, one line a latent size.",
        data=summary,
        draw=partial(_draw_active, summary=summary),
    )


@from_pictures(SHARE_TITLE)
def rate_shares(study: Study) -> Figure | Missing:
    """Rate of each latent dimension, sorted, at each KL weight; one seed, one latent dimension."""
    dim = reference_dim(study)
    runs = study.vae[study.vae["latent_dim"] == dim]
    runs = runs[runs["seed"] == runs["seed"].min()]
    runs = runs[runs["kl_weight"].isin(select_spread(study.kl_weights, MOST_WEIGHTS))]
    if runs.empty:
        return Missing(SHARE_TITLE, "no run has a KL term")
    data = _rate_table(study, runs)
    return Figure(
        slug="rate-shares",
        title=SHARE_TITLE,
        finding=_share_finding(data, dim),
        note=f"Latent dimension {dim}, seed {int(runs['seed'].iloc[0])}, sorted by rate."
        f"{wording.not_drawn(len(study.kl_weights), data['kl_weight'].nunique(), 'KL weight')}",
        alt="Line chart of the rate of each latent dimension, sorted, one line a KL weight.",
        data=data,
        draw=partial(_draw_shares, data=data),
    )


def _active_finding(summary: pd.DataFrame, contender: str) -> str:
    dim = summary["latent_dim"].max()
    rows, alone = regularised(summary, dim), autoencoder(summary, dim)
    parts = []
    if alone:
        parts.append(f"the AE uses {interval(alone[0])}")
    if rows:
        most, last = best(rows, ACTIVE), rows[-1]
        parts.append(f"a {contender} {at_weight(most)}")
        if last["kl_weight"] != most["kl_weight"]:
            parts.append(at_weight(last))
    return f"Of {int(dim)} latent dimensions {', '.join(parts)}."


def _draw_active(theme: Theme, summary: pd.DataFrame) -> Canvas:
    canvas = draw_over_weight(theme, summary, [ACTIVE])
    canvas.axes[0].set_ylim(bottom=0)
    canvas.axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    return canvas


def _rate_table(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for run in records(runs.sort_values("kl_weight")):
        (rates,) = study.sweep.arrays(run["run_id"], "rate_per_dimension")
        ordered = np.sort(rates.astype(float))[::-1]
        rows += [
            {
                "kl_weight": run["kl_weight"],
                "rank": rank,
                "rate_nats": value,
                "run_id": run["run_id"],
            }
            for rank, value in enumerate(ordered.tolist(), start=1)
        ]
    return pd.DataFrame(rows, columns=["kl_weight", "rank", "rate_nats", "run_id"])


def _share_finding(data: pd.DataFrame, dim: int) -> str:
    carrying = (data["rate_nats"] > CARRYING_NATS).groupby(data["kl_weight"]).sum()
    counts = [
        f"{int(carrying[kl_weight])} at KL weight {wording.weight(kl_weight)}"
        for kl_weight in select_spread(carrying.index.tolist(), 3)
    ]
    return (
        f"Of {dim} dimensions, more than {CARRYING_NATS} nats are carried by {', '.join(counts)}."
    )


def _draw_shares(theme: Theme, data: pd.DataFrame) -> Canvas:
    canvas = Canvas(figsize=(HALF_WIDTH_INCHES, 3.9), layout="constrained")
    ax = canvas.subplots()
    weights = sorted(data["kl_weight"].unique().tolist())
    for index, (kl_weight, colour) in enumerate(
        zip(weights, weight_colours(len(weights)), strict=True)
    ):
        rows = data[data["kl_weight"] == kl_weight]
        ax.plot(
            rows["rank"],
            rows["rate_nats"],
            color=colour,
            marker=MARKERS[index % len(MARKERS)],
            label=wording.weight(kl_weight),
        )
    ax.set_xlabel("latent dimension, by rank")
    ax.set_ylabel("rate [nats]")
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    canvas.legend(title="KL weight", loc="outside lower center", ncols=4)
    return canvas
