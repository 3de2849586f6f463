"""What the codes of every model are held against: raw pixels, principal components, and the codes
of an encoder that was never trained. Each is scored once for each way of scoring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn

from bench.measure.forward import IMAGES_PER_BLOCK
from vae_core import Dataset, Gaussian, Structure
from vae_core.model import initial_networks

Floats = NDArray[np.float32]

PCA_SEED = 0
"""Of the randomised solver that scikit-learn takes for large images; small ones need none."""


class Codes(NamedTuple):
    """What one encoder makes of the training images that are probed, and of all test images.

    ``train`` ``[M, D]`` are the rows ``Reference.fit_rows``; ``test`` is ``[N, D]``.
    """

    train: Floats
    test: Floats


Score = Callable[[Codes], Mapping[str, float]]


class Controls:
    """Scores of the controls by column, as ``{"pixels": …, "pca": …, "random_encoder": …}``.

    Parameters
    ----------
    dataset
        On the CPU.
    fit_rows
        Training images that are probed.
    pixels
        The same images and all test images, flattened.
    """

    def __init__(self, dataset: Dataset, fit_rows: NDArray[np.int64], pixels: Codes) -> None:
        self._dataset = dataset
        self._train_images = dataset.train_images[torch.from_numpy(fit_rows)]
        self._pixels = pixels
        self._scores: dict[tuple[object, ...], Mapping[str, float]] = {}
        self._codes: dict[tuple[object, ...], Codes] = {}

    def scores(
        self, family: str, score: Score, structure: Structure, seed: int
    ) -> dict[str, Mapping[str, float]]:
        """Score every control as a model of this structure and seed is scored.

        Parameters
        ----------
        family
            Names ``score``: a control that was scored under it is not scored again.
        """
        return {
            "pixels": self._once(family, score, ("pixels",), lambda: self._pixels),
            "pca": self._once(
                family,
                score,
                ("pca", structure.latent_dim),
                lambda: self._principal_components(structure.latent_dim),
            ),
            "random_encoder": self._once(
                family,
                score,
                ("random encoder", structure, seed),
                lambda: self._untrained(structure, seed),
            ),
        }

    def _once(
        self,
        family: str,
        score: Score,
        control: tuple[object, ...],
        encode: Callable[[], Codes],
    ) -> Mapping[str, float]:
        if (family, *control) not in self._scores:
            if control not in self._codes:
                self._codes[control] = encode()
            self._scores[family, *control] = score(self._codes[control])
        return self._scores[family, *control]

    def _principal_components(self, latent_dim: int) -> Codes:
        """As many components of the probed training pixels, or all there are."""
        train, test = self._pixels
        pca = PCA(min(latent_dim, *train.shape), random_state=PCA_SEED).fit(train)
        return Codes(pca.transform(train), pca.transform(test))

    def _untrained(self, structure: Structure, seed: int) -> Codes:
        """Means of the encoder as it was initialised."""
        encoder = initial_networks(structure, seed)[0].eval()
        return Codes(
            self._means(encoder, self._train_images, structure.latent_dim),
            self._means(encoder, self._dataset.test_images, structure.latent_dim),
        )

    @torch.inference_mode()
    def _means(self, encoder: nn.Module, images: Tensor, latent_dim: int) -> Floats:
        blocks = torch.split(images, IMAGES_PER_BLOCK)
        parameters = torch.cat([encoder(self._dataset.pixels(block)) for block in blocks])
        return Gaussian.of(parameters, latent_dim).mu.numpy()
