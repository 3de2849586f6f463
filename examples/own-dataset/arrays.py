"""Write discs and bars, two classes of grey pictures, to ``shapes.npz``."""

import numpy as np

COUNT, SIDE = 1200, 16


def shapes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 ``[N, H, W]`` and classes ``[N]``: 0 a disc, 1 a bar, each somewhere."""
    labels = np.arange(COUNT) % 2
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre = rng.uniform(4, SIDE - 4, size=(COUNT, 2, 1, 1))
    size = rng.uniform(2, 4, size=(COUNT, 1, 1))
    down, across = np.abs(rows - centre[:, 0]), np.abs(columns - centre[:, 1])
    inside = np.where(labels[:, None, None] == 0, np.hypot(down, across) < size, across < size / 2)
    return (inside * 255).astype(np.uint8), labels


images, labels = shapes(np.random.default_rng(0))
np.savez("shapes.npz", images=images, labels=labels)
