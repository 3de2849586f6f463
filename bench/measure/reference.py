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

from bench.metrics import FrechetReference, Neighborhoods, RealManifold, knn_probe, linear_probe
from bench.plan import MetricsSpec
from vae_core import Dataset, Structure
from vae_core.cohort import initial_networks
from vae_core.data.split import stratified_subset
from vae_core.model import split_parameters

Floats = NDArray[np.float32]

SAMPLE_LIMIT = 2_000
"""Decoded samples and real images compared unless the spec says: all test images up to this."""

PROBE_LIMIT = 10_000
"""Training codes a probe is fitted on, at most; more change a linear probe little and cost much."""

INTERPOLATION_PAIRS = 64
PAIR_SEED = 0


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
        """Test images that stand for the real data, a fixed stratified choice."""
        labels = self.test_labels
        if self.sample_count == len(labels):
            return np.arange(len(labels))
        return stratified_subset(labels, self.sample_count)

    @cached_property
    def probe_rows(self) -> NDArray[np.int64]:
        """Training images a probe is fitted on, a fixed stratified choice."""
        labels = self.train_labels
        if len(labels) <= PROBE_LIMIT:
            return np.arange(len(labels))
        return stratified_subset(labels, PROBE_LIMIT)

    @cached_property
    def train_labels(self) -> NDArray[np.int64]:
        return self.dataset.train_labels.numpy()

    @cached_property
    def test_labels(self) -> NDArray[np.int64]:
        return self.dataset.test_labels.numpy()

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
        count = len(self.test_labels)
        return np.stack(
            [generator.choice(count, 2, replace=False) for _ in range(INTERPOLATION_PAIRS)]
        )

    def probes(self, train_codes: NDArray[Any], test_codes: NDArray[Any]) -> dict[str, float]:
        """Accuracy of the linear and the k-NN probe on codes ``[M, D]`` and ``[N, D]``."""
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
            pca = PCA(components, svd_solver="full").fit(self.train_pixels)
            codes = pca.transform(self.train_pixels), pca.transform(self.test_pixels)
            self._pca_scores[latent_dim] = self.probes(*codes)
        return self._pca_scores[latent_dim]

    def random_encoder_scores(self, structure: Structure, seed: int) -> Mapping[str, float]:
        """The control that skips training: probes on codes of the encoder as it was initialised."""
        key = (structure, seed)
        if key not in self._random_scores:
            encoder, _ = initial_networks(structure, seed)
            images = (self.dataset.train_images, self.dataset.test_images)
            with torch.inference_mode():
                codes = [split_parameters(encoder(self.dataset.pixels(part)))[0] for part in images]
            self._random_scores[key] = self.probes(codes[0].numpy(), codes[1].numpy())
        return self._random_scores[key]

    def _flat(self, images: torch.Tensor) -> Floats:
        return self.dataset.pixels(images).flatten(1).numpy()
