"""The space in which decoded samples are compared with real images: pixels, or what a small
classifier of the training images has learned to see.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from bench.metrics import MetricError

Floats = NDArray[np.float32]
Features = Callable[[Floats], Floats]
"""Images ``[n, P]`` to features ``[n, F]``."""

HIDDEN = (256, 64)
EPOCHS = 30
SEED = 0


def raw_pixels(images: Floats) -> Floats:
    """Images ``[n, P]`` as they are."""
    return images


class ClassifierFeatures:
    """The last hidden layer, 64 rectified units, of a perceptron that names the class of an image.

    scikit-learn's ``MLPClassifier``, 256 and 64 units, 30 epochs of Adam at its defaults: the same
    images and labels give the same features.

    Parameters
    ----------
    pixels, labels
        Training images ``[M, P]`` and their labels ``[M]``.

    Raises
    ------
    MetricError
        When there is one class only.
    """

    def __init__(self, pixels: Floats, labels: NDArray[np.int64]) -> None:
        classes = np.unique(labels)
        if len(classes) < 2:
            raise MetricError(f"the labels are of one class only ({classes[0]}); two are needed")
        # One epoch a call: there is no warning that the last one did not converge.
        self._classifier = MLPClassifier(HIDDEN, random_state=SEED)
        for _ in range(EPOCHS):
            self._classifier.partial_fit(pixels, labels, classes=classes)

    def __call__(self, images: Floats) -> Floats:
        """Images ``[n, P]`` to features ``[n, 64]``."""
        layers = zip(self._classifier.coefs_, self._classifier.intercepts_, strict=True)
        activations = images
        for weights, bias in list(layers)[: len(HIDDEN)]:
            activations = np.maximum(activations @ weights + bias, 0)
        return activations

    def accuracy(self, pixels: Floats, labels: NDArray[np.int64]) -> float:
        """Share of images ``[n, P]`` whose class it names."""
        return float(self._classifier.score(pixels, labels))
