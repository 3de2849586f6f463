"""What a sweep's models are measured against and that depends on the data alone, computed once.

Real images and their neighbourhoods, the pairs to walk between, and the scores of the controls: raw
pixels, principal components, and an encoder that was never trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn

from bench.measure.forward import IMAGES_PER_BLOCK
from bench.metrics import (
    FrechetReference,
    MetricError,
    Neighborhoods,
    RealManifold,
    knn_probe,
    linear_probe,
)
from bench.plan import MetricsSpec
from vae_core import Dataset, Gaussian, Structure
from vae_core.cohort import initial_networks
from vae_core.data import Factors
from vae_core.data.split import fixed_subset

Floats = NDArray[np.float32]

SAMPLE_LIMIT = 2_000
"""Decoded samples and real images compared unless the spec says: all test images up to this."""

PROBE_LIMIT = 10_000
"""Training codes a probe is fitted on, at most; more change a linear probe little and cost much."""

DCI_LIMIT = 500
DCI_VALUES = 3
"""Points and values of a factor for DCI, at most. It grows a hundred trees for every value of every
factor: on sprites with all 113 values and 10,000 points it would take minutes a model.
"""

INTERPOLATION_PAIRS = 64
PAIR_SEED = 0
PCA_SEED = 0
"""Of the randomised solver that scikit-learn takes for large images; small ones need none."""


class Reference:
    """The data of one sweep as its metrics need them; every property is computed when first used.

    Parameters
    ----------
    dataset
        On the CPU.
    metrics
        Neighbours and sample count of the spec.
    """

    def __init__(self, dataset: Dataset, metrics: MetricsSpec) -> None:
        self.dataset = dataset
        self.metrics = metrics
        self._pca_scores: dict[int, dict[str, float]] = {}
        self._random_scores: dict[tuple[Structure, int], dict[str, float]] = {}

    @property
    def sample_count(self) -> int:
        """Real images compared with as many decoded samples."""
        available = len(self.dataset.test_images)
        return min(self.metrics.samples or SAMPLE_LIMIT, available)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Test images that stand for the real data, a fixed choice, stratified if it can be."""
        return fixed_subset(len(self.dataset.test_images), self.sample_count, self.test_labels)

    @cached_property
    def probe_rows(self) -> NDArray[np.int64]:
        """Training images a probe is fitted on, a fixed choice, stratified if it can be."""
        available = len(self.dataset.train_images)
        return fixed_subset(available, min(available, PROBE_LIMIT), self.train_labels)

    @cached_property
    def train_labels(self) -> NDArray[np.int64] | None:
        labels = self.dataset.train_labels
        return None if labels is None else labels.numpy()

    @cached_property
    def test_labels(self) -> NDArray[np.int64] | None:
        labels = self.dataset.test_labels
        return None if labels is None else labels.numpy()

    @cached_property
    def factors(self) -> NDArray[np.int64]:
        """Factors of the training images of ``probe_rows``, ``[M, F]``; MetricError without any."""
        return self._known_factors.train.numpy()[self.probe_rows]

    @cached_property
    def dci_rows(self) -> NDArray[np.int64]:
        """A fixed choice of the rows of ``factors``."""
        available = len(self.factors)
        return fixed_subset(available, min(available, DCI_LIMIT), None)

    @cached_property
    def dci_factors(self) -> NDArray[np.int64]:
        """``factors`` of ``dci_rows`` with neighbouring values joined until few are left."""
        values, sizes = self.factors[self.dci_rows], np.array(self._known_factors.sizes)
        return np.where(sizes > DCI_VALUES, values * DCI_VALUES // sizes, values)

    @property
    def _known_factors(self) -> Factors:
        if self.dataset.factors is None:
            raise MetricError("the data have no known factors")
        return self.dataset.factors

    @cached_property
    def train_pixels(self) -> Floats:
        return self._flat(self.dataset.train_images)

    @cached_property
    def test_pixels(self) -> Floats:
        return self._flat(self.dataset.test_images)

    @cached_property
    def manifold(self) -> RealManifold:
        return RealManifold(self.test_pixels[self.rows], self.metrics.neighbors)

    @cached_property
    def frechet(self) -> FrechetReference:
        return FrechetReference(self.test_pixels[self.rows])

    @cached_property
    def neighborhoods(self) -> Neighborhoods:
        return Neighborhoods(self.test_pixels[self.rows], self.metrics.neighbors)

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Random pairs of different test images to walk between, ``[pairs, 2]``."""
        generator = np.random.default_rng(PAIR_SEED)
        count = len(self.dataset.test_images)
        return np.stack(
            [generator.choice(count, 2, replace=False) for _ in range(INTERPOLATION_PAIRS)]
        )

    def probes(self, train_codes: NDArray[Any], test_codes: NDArray[Any]) -> dict[str, float]:
        """Accuracy of the linear and the k-NN probe on codes ``[M, D]`` and ``[N, D]``.

        Raises
        ------
        MetricError
            When there are no labels, or of one class only.
        """
        if self.train_labels is None or self.test_labels is None:
            raise MetricError("the data have no labels")
        rows = self.probe_rows
        given = (train_codes[rows], self.train_labels[rows], test_codes, self.test_labels)
        return {"linear": linear_probe(*given), "knn": knn_probe(*given)}

    @cached_property
    def pixel_scores(self) -> Mapping[str, float]:
        """The control that skips the encoder: probes on raw pixels."""
        return self.probes(self.train_pixels, self.test_pixels)

    def pca_scores(self, latent_dim: int) -> Mapping[str, float]:
        """The linear control: probes on as many principal components, or all there are."""
        if latent_dim not in self._pca_scores:
            components = min(latent_dim, *self.train_pixels.shape)
            pca = PCA(components, random_state=PCA_SEED).fit(self.train_pixels)
            codes = pca.transform(self.train_pixels), pca.transform(self.test_pixels)
            self._pca_scores[latent_dim] = self.probes(*codes)
        return self._pca_scores[latent_dim]

    def random_encoder_scores(self, structure: Structure, seed: int) -> Mapping[str, float]:
        """The control that skips training: probes on codes of the encoder as it was initialised."""
        key = (structure, seed)
        if key not in self._random_scores:
            encoder = initial_networks(structure, seed)[0].eval()
            codes = [
                self._means(encoder, images, structure.latent_dim)
                for images in (self.dataset.train_images, self.dataset.test_images)
            ]
            self._random_scores[key] = self.probes(*codes)
        return self._random_scores[key]

    @torch.inference_mode()
    def _means(self, encoder: nn.Module, images: Tensor, latent_dim: int) -> Floats:
        blocks = torch.split(images, IMAGES_PER_BLOCK)
        parameters = torch.cat([encoder(self.dataset.pixels(block)) for block in blocks])
        return Gaussian.of(parameters, latent_dim).mu.numpy()

    def _flat(self, images: Tensor) -> Floats:
        return self.dataset.pixels(images).flatten(1).numpy()
