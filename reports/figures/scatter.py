"""Codes in the plane, coloured and numbered by class, on axes that several figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import patheffects
from matplotlib.patches import Circle

from reports.style import MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from reports.style import Theme

RADIUS = 2.0
RADIUS_MASS = 1 - np.exp(-(RADIUS**2) / 2)
MARGIN = 1.06
MOST_LABELS = 10
LEAST_LABEL_GAP = 0.065
PUSHES = 200


def draw_codes(
    ax: Axes,
    theme: Theme,
    codes: NDArray[Any],
    labels: NDArray[Any],
    *,
    size: float = 13.0,
    alpha: float = 0.75,
    reach: NDArray[Any] | None = None,
) -> None:
    """Scatter codes [n, 2] by class, with the prior's circle, on axes of one scale.

    `reach` [m, 2] is how far along each axis goes what the caller draws around the first m codes.
    """
    for index, label in enumerate(np.unique(labels).tolist()):
        chosen = codes[labels == label]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=size,
            color=theme.labels[index % len(theme.labels)],
            marker=MARKERS[index % len(MARKERS)],
            alpha=alpha,
            linewidths=0,
        )
    ax.add_patch(
        Circle((0, 0), RADIUS, fill=False, edgecolor=theme.ink, linewidth=1.2, linestyle="--")
    )
    around = np.zeros((len(codes), 2))
    if reach is not None:
        around[: len(reach)] = reach
    low = np.minimum((codes[:, :2] - around).min(axis=0), -RADIUS)
    high = np.maximum((codes[:, :2] + around).max(axis=0), RADIUS)
    middle, side = (low + high) / 2, MARGIN * float((high - low).max())
    ax.set_xlim(middle[0] - side / 2, middle[0] + side / 2)
    ax.set_ylim(middle[1] - side / 2, middle[1] + side / 2)
    ax.set_box_aspect(1)
    ax.set_xlabel("z1")
    ax.set_ylabel("z2")


def number_classes(
    ax: Axes,
    theme: Theme,
    codes: NDArray[Any],
    labels: NDArray[Any],
    taken: NDArray[Any] | None = None,
) -> None:
    """Write each class at its median code, moved aside where labels would collide.

    `taken` [m, 2] are places of other marks. A label that moved has a line to its class.
    """
    classes = np.unique(labels).tolist()
    if not 1 < len(classes) <= MOST_LABELS:
        return
    medians = np.array([np.median(codes[labels == label][:, :2], axis=0) for label in classes])
    side = ax.get_xlim()[1] - ax.get_xlim()[0]
    places = side * spread(medians / side, None if taken is None else taken / side)
    halo = [patheffects.withStroke(linewidth=3, foreground=theme.background)]
    for label, median, place in zip(classes, medians, places, strict=True):
        if np.linalg.norm(place - median) > LEAST_LABEL_GAP * side / 2:
            ax.plot(*zip(median, place, strict=True), color=theme.ink, linewidth=0.9)
        ax.text(
            place[0],
            place[1],
            str(label),
            fontsize=13,
            fontweight="bold",
            ha="center",
            va="center",
            path_effects=halo,
        )


def spread(points: NDArray[Any], taken: NDArray[Any] | None = None) -> NDArray[np.float64]:
    """Push points [n, 2], in shares of the axis, apart until labels on them do not collide.

    Points at one place part in the order they are given in; `taken` [m, 2] stay where they are.
    """
    # A turn of the golden angle each, so that equal points have a way to go.
    angles = 2.399963 * np.arange(len(points))
    places = points + 1e-6 * np.column_stack([np.cos(angles), np.sin(angles)])
    fixed = np.empty((0, 2)) if taken is None else taken
    for _ in range(PUSHES):
        others = np.vstack([places, fixed])
        away = places[:, None] - others[None]
        distance = np.linalg.norm(away, axis=-1)
        np.fill_diagonal(distance, np.inf)
        short = np.clip(LEAST_LABEL_GAP - distance, 0, None)
        if not short.any():
            break
        places = places + 0.5 * (away / distance[..., None] * short[..., None]).sum(axis=1)
    return places
