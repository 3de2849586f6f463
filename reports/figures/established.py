"""Which differences between AE and VAE, and between KL weights, survive their number."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from reports import wording
from reports.contrasts import ALPHA, contrasts, sentence
from reports.figures.figure import Figure, Missing
from reports.figures.over_weight import with_rows
from reports.study import records
from reports.style import FULL_WIDTH_INCHES
from reports.verdict import PURPOSES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from reports.metrics import Metric
    from reports.study import Study
    from reports.style import Theme

TITLE = "Which differences are established?"
ROW_INCHES = 0.27


def established(study: Study) -> Figure | Missing:
    """Draw paired differences with intervals, filled where the adjusted p-value is small."""
    measured = [
        purpose.metric for purpose in PURPOSES if study.runs[purpose.metric.column].notna().any()
    ]
    table = contrasts(study, measured)
    if table.empty:
        return Missing(TITLE, "no two configurations share a seed and a latent dimension")
    if table["n"].max() < 2:
        return Missing(TITLE, "one seed: noise cannot be told from effect")
    drawn = with_rows(table, measured)
    said = [sentence(table, metric, study.contender) for metric in drawn]
    if table["against"].notna().all():
        count = int((table["verdict"] != "open").sum())
        said = [f"{count} of {len(table)} steps between KL weights are established"]
    left_out = wording.not_drawn(len(study.kl_weights), table["kl_weight"].nunique(), "KL weight")
    return Figure(
        slug="established",
        title=TITLE,
        finding=f"{'; '.join(said)}.",
        note=f"{wording.seeds(table['n'])} Differences are paired by seed and averaged over latent "
        "dimensions. Thin bars: t interval; thick bars: percentile bootstrap, which covers too "
        f"little with few seeds. Filled: p ≤ {ALPHA:.2g} in a paired t test after Holm's "
        f"adjustment for all {table['p'].count()} comparisons. Open: not established, which is not "
        f"to say equal.{left_out}",
        alt="Dot plots of paired differences with intervals, a row a comparison, a panel a metric.",
        data=table,
        draw=partial(_draw, table=table, metrics=drawn, contender=study.contender),
        wide=True,
    )


def _draw(theme: Theme, table: pd.DataFrame, metrics: list[Metric], contender: str) -> Canvas:
    comparisons = table[["kl_weight", "against"]].drop_duplicates().reset_index(drop=True)
    height = 1.35 + ROW_INCHES * len(comparisons)
    canvas = Canvas(figsize=(FULL_WIDTH_INCHES, height), layout="constrained")
    panels = canvas.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
    names = [
        f"{wording.weight(weight)} vs {'AE' if math.isnan(against) else wording.weight(against)}"
        for weight, against in comparisons.itertuples(index=False)
    ]
    for ax, metric in zip(panels, metrics, strict=True):
        rows = comparisons.merge(
            table[table["metric"] == metric.column], on=["kl_weight", "against"], how="left"
        )
        _draw_panel(ax, theme, rows)
        ax.set_title(f"{metric.label} ({metric.hint})")
        ax.set_xlabel(f"difference{f' [{metric.unit}]' if metric.unit else ''}")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    panels[0].set_ylabel(f"KL weight β of the {contender}")
    split = int(comparisons["against"].isna().sum()) - 0.5
    for ax in panels:
        ax.axhline(split, color=theme.muted, linewidth=0.8, linestyle=":")
    marks = [
        Line2D([], [], color=theme.ink, marker="o", linestyle="", label="established"),
        Line2D([], [], color=theme.muted, marker="o", linestyle="", label="open",
               markerfacecolor=theme.background),
    ]  # fmt: skip
    canvas.legend(handles=marks, loc="outside lower center", ncols=2)
    return canvas


def _draw_panel(ax: Axes, theme: Theme, rows: pd.DataFrame) -> None:
    ax.axvline(0, color=theme.ink, linewidth=1.0)
    ax.grid(visible=False, axis="y")
    for position, row in enumerate(records(rows)):
        is_open = row["verdict"] == "open"
        colour = theme.muted if is_open else theme.ink
        ax.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=1.0)
        ends = [row["bootstrap_low"], row["bootstrap_high"]]
        ax.plot(ends, [position] * 2, color=colour, linewidth=3.4, solid_capstyle="butt")
        fill = theme.background if is_open else colour
        ax.plot([row["mean"]], [position], marker="o", color=colour, markerfacecolor=fill)
