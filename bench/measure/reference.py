"""What a sweep's models are measured against and that depends on the data alone, computed once.

Real images with their neighbourhoods and moments, labels, factors and targets, the pairs to walk
between, and the controls.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.measure.controls import Codes, Controls
from bench.measure.features import ClassifierFeatures, Features, raw_pixels
from bench.measure.targets import Targets, regression_targets
from bench.metrics import (
    FrechetReference,
    KernelReference,
    MetricError,
    Neighborhoods,
    RealManifold,
)
from bench.plan import DataSpec, MetricsSpec
from vae_core import Dataset, load_dataset
from vae_core.closed_form import covariance_eigenvalues
from vae_core.data import Factors
from vae_core.data.binarize import binarize
from vae_core.data.split import fixed_subset

Floats = NDArray[np.float32]

SAMPLE_LIMIT = 2_000
"""Decoded samples and real images compared unless the spec says: all test images up to this."""

FIT_LIMIT = 10_000
"""Training codes that probes and densities are fitted to, at most; more change a linear probe
little and cost much.
"""

JACOBIAN_LIMIT = 64
"""Test codes at which the decoder is differentiated, at most: the mean over them is known to a few
per cent, and each costs as many passes as the code has dimensions.
"""

DCI_LIMIT = 500
DCI_VALUES = 3
"""Points and values of a factor for DCI, at most. It grows a hundred trees for every value of every
factor: on sprites with all 113 values and 10,000 points it would take minutes a model.
"""

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

    @cached_property
    def differentiated_rows(self) -> NDArray[np.int64]:
        """Test images at whose codes the decoder is differentiated, a fixed choice of ``rows``."""
        available = len(self.dataset.test_images)
        return fixed_subset(available, min(available, JACOBIAN_LIMIT), self.test_labels)

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
    def fit_rows(self) -> NDArray[np.int64]:
        """Training images that probes and densities are fitted to, a fixed choice, stratified if it
        can be.
        """
        available = len(self.dataset.train_images)
        return fixed_subset(available, min(available, FIT_LIMIT), self.train_labels)

    @cached_property
    def probe_labels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Labels of the images of ``fit_rows`` and of all test images; MetricError without."""
        if self.train_labels is None or self.test_labels is None:
            raise MetricError("the data have no labels")
        return self.train_labels[self.fit_rows], self.test_labels

    @cached_property
    def targets(self) -> dict[str, Targets]:
        """Continuous numbers by name: of the training images of ``fit_rows``, and of the test
        images.
        """
        found = regression_targets(self.dataset)
        return {
            name: Targets(targets.train[self.fit_rows], targets.test)
            for name, targets in found.items()
        }

    @cached_property
    def controls(self) -> Controls:
        return Controls(self.dataset, self.fit_rows, Codes(self.probe_pixels, self.test_pixels))

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
        """Factors of the training images of ``fit_rows``, ``[M, F]``; MetricError without any."""
        return self._known_factors.train.numpy()[self.fit_rows]

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
    def probe_pixels(self) -> Floats:
        """Of the images of ``fit_rows``, flattened."""
        return self._flat(self.dataset.train_images[self.fit_rows])

    @cached_property
    def test_pixels(self) -> Floats:
        return self._flat(self.dataset.test_images)

    @cached_property
    def features(self) -> Features:
        """The space of ``metrics.sample_features``; MetricError where it cannot be had."""
        if self.metrics.sample_features == "pixels":
            return raw_pixels
        return self.classifier

    @cached_property
    def classifier(self) -> ClassifierFeatures:
        return ClassifierFeatures(self.probe_pixels, self.probe_labels[0])

    @cached_property
    def real_features(self) -> Floats:
        """Of the test images of ``rows``."""
        return self.features(self.test_pixels[self.rows])

    @cached_property
    def covariance_eigenvalues(self) -> NDArray[np.float64]:
        """Of the training images' pixels, with 1/N, descending ``[P]``."""
        return covariance_eigenvalues(self._flat(self.dataset.train_images).astype(np.float64))

    @cached_property
    def manifold(self) -> RealManifold:
        return RealManifold(self.real_features, self.metrics.neighbors)

    @cached_property
    def frechet(self) -> FrechetReference:
        return FrechetReference(self.real_features)

    @cached_property
    def kernel(self) -> KernelReference:
        return KernelReference(self.real_features)

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

    def _flat(self, images: Tensor) -> Floats:
        return self.dataset.pixels(images).flatten(1).numpy()


@lru_cache(maxsize=1)
def load_reference(data: DataSpec, metrics: MetricsSpec) -> Reference:
    """The data of a sweep with what depends on them alone, loaded once a process."""
    dataset = load_dataset(
        data.name,
        root=data.root,
        image_size=data.image_size,
        train_size=data.train_size,
        test_size=data.test_size,
    )
    return Reference(binarize(dataset, data.binarize), metrics)
