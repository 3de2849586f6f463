"""How wide the posterior of each image is, drawn over the two-dimensional map of codes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.collections import EllipseCollection

from reports import wording
from reports.figures.figure import Figure, Missing, from_pictures
from reports.figures.scatter import RADIUS, RADIUS_MASS, draw_codes
from reports.figures.tiles import side_by_side
from reports.study import Configuration, records, select_spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.study import Study
    from reports.style import Theme

    Panel = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

TITLE = "How much of the plane does each image's posterior fill?"
PANELS = 3
ELLIPSES = 60


@from_pictures(TITLE)
def posterior_ellipses(study: Study) -> Figure | Missing:
    """Codes in the plane with their posteriors, at the smallest, a middle and the largest KL."""
    has_width = study.vae["test_rate_nats"].notna()  # a regularised AE's posterior is a point too
    runs = study.vae[has_width & (study.vae["latent_dim"] == 2)]
    if runs.empty:
        return Missing(TITLE, "no VAE has two latent dimensions")
    runs = runs[runs["seed"] == runs["seed"].min()]
    weights = select_spread(sorted(runs["kl_weight"].dropna().unique().tolist()), PANELS)
    runs = runs[runs["kl_weight"].isin(weights)].drop_duplicates("kl_weight")
    panels: dict[str, Panel] = {}
    frames = []
    for run in records(runs.sort_values("kl_weight")):
        codes, covariances, labels = study.sweep.arrays(
            run["run_id"], "codes", "code_covariances", "code_labels"
        )
        shown = covariances[:ELLIPSES]
        panels[f"β {wording.weight(run['kl_weight'])}"] = (codes, shown, labels)
        frames.append(_facts(run, codes[: len(shown)], shown, labels[: len(shown)]))
    data = pd.concat(frames, ignore_index=True)
    return Figure(
        slug="posterior-ellipses",
        title=TITLE,
        finding=_finding(data),
        note=f"{wording.family(str(runs['family'].iloc[0]))}, latent dimension 2, seed "
        f"{int(runs['seed'].iloc[0])}. Solid ellipses: two standard deviations of q(z|x) of the "
        f"first {max(len(d) for _, d, _ in panels.values())} test images, which hold "
        f"{wording.percent(RADIUS_MASS)} of it; points: posterior means; dashed: the same share of "
        "N(0, I). An AE's posterior is a point.",
        alt="Scatter plots of codes with an ellipse around each, one for each KL weight.",
        data=data,
        draw=partial(_draw, panels=panels),
        wide=True,
        pictorial=True,
    )


def _facts(
    run: dict[str, Any], codes: NDArray[Any], covariances: NDArray[Any], labels: NDArray[Any]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "run_id": run["run_id"],
            "configuration": Configuration.of(run).name,
            "kl_weight": run["kl_weight"],
            "z1": codes[:, 0],
            "z2": codes[:, 1],
            "variance_z1": covariances[:, 0, 0],
            "variance_z2": covariances[:, 1, 1],
            "covariance": covariances[:, 0, 1],
            "label": labels,
        }
    )


def _finding(data: pd.DataFrame) -> str:
    """State the typical width of a posterior against the prior's, 1."""
    parts = []
    for kl_weight in data["kl_weight"].unique().tolist():
        rows = data[data["kl_weight"] == kl_weight]
        area = rows["variance_z1"] * rows["variance_z2"] - rows["covariance"] ** 2
        width = np.median(np.clip(area, 0, None) ** 0.25)
        parts.append(f"{wording.number(float(width), 2)} at KL weight {wording.weight(kl_weight)}")
    return (
        f"The median posterior's standard deviation, where the prior's is 1, is {', '.join(parts)}."
    )


def _draw(theme: Theme, panels: dict[str, Panel]) -> Canvas:
    canvas = side_by_side(3.9 if len(panels) > 2 else 4.9)
    axes = canvas.subplots(1, len(panels), squeeze=False)[0]
    for ax, (name, panel) in zip(axes, panels.items(), strict=True):
        _draw_panel(ax, theme, *panel)
        ax.set_title(name)
    return canvas


def _draw_panel(
    ax: Axes, theme: Theme, codes: NDArray[Any], covariances: NDArray[Any], labels: NDArray[Any]
) -> None:
    deviations = np.sqrt(np.clip(np.diagonal(covariances, axis1=1, axis2=2), 0, None))
    draw_codes(ax, theme, codes, labels, size=7.0, alpha=0.4, reach=RADIUS * deviations)
    classes = np.unique(labels)
    colours = [
        theme.labels[int(index) % len(theme.labels)] if len(classes) > 1 else theme.ink
        for index in np.searchsorted(classes, labels[: len(covariances)])
    ]
    variances, axes = np.linalg.eigh(covariances)
    widths = np.sqrt(np.clip(variances, 0, None))
    angles = np.degrees(np.arctan2(axes[:, 1, 0], axes[:, 0, 0]))
    ax.add_collection(
        EllipseCollection(
            2 * RADIUS * widths[:, 0],
            2 * RADIUS * widths[:, 1],
            angles,
            units="xy",
            offsets=codes[: len(covariances), :2],
            transOffset=ax.transData,
            facecolors="none",
            edgecolors=colours,
            linewidths=0.8,
            alpha=0.85,
            zorder=3,
        ),
        autolim=False,
    )
