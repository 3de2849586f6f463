"""Turn a chart drawn for a light page into one for a dark page by turning lightness over.

Works in OKLab (Ottosson 2020, "A perceptual color space for image processing"), where turning
lightness over keeps hue, so that a legend's red stays red and what stood out still stands out. Not
for photographs: they would become negatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.style import Theme

    Colours = NDArray[np.float64]

LMS_FROM_LINEAR = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB_FROM_LMS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LINEAR_FROM_LMS = np.linalg.inv(LMS_FROM_LINEAR)
LMS_FROM_LAB = np.linalg.inv(LAB_FROM_LMS)


def recolour(palette: NDArray[np.uint8], source: Theme, target: Theme) -> NDArray[np.uint8]:
    """Map colours [n, 3] so that the source's background and ink become the target's.

    Lightness maps linearly through those two, and so does the tint that they gain.
    """
    page, ink = (to_oklab(_colour(name)) for name in (source.background, source.ink))
    new_page, new_ink = (to_oklab(_colour(name)) for name in (target.background, target.ink))
    lab = to_oklab(palette / 255.0)
    inkiness = (lab[:, :1] - page[0]) / (ink[0] - page[0])
    tint = (1 - inkiness) * (new_page - page) + inkiness * (new_ink - ink)
    turned = np.column_stack(
        [new_page[0] + inkiness * (new_ink[0] - new_page[0]), lab[:, 1:] + tint[:, 1:]]
    )
    return np.round(255 * from_oklab(turned)).astype(np.uint8)


def to_oklab(srgb: Colours) -> Colours:
    """Colours [..., 3] in sRGB, 0 to 1, as OKLab."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab: Colours = np.cbrt(linear @ LMS_FROM_LINEAR.T) @ LAB_FROM_LMS.T
    return lab


def from_oklab(lab: Colours) -> Colours:
    """OKLab colours [..., 3] as sRGB, cut to 0 to 1."""
    linear = np.clip((lab @ LMS_FROM_LAB.T) ** 3 @ LINEAR_FROM_LMS.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _colour(name: str) -> Colours:
    return np.array(to_rgb(name))
