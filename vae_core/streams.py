"""Names of the independent noise streams of one run.

A run's noise is a function of (seed, stream, step, element); what draws for another purpose takes
another stream.
"""

TRAINING = 0
"""Posterior noise of training step ``step``."""

EVALUATION = 1
"""Posterior noise at evaluation; ``step`` counts the repeated draws."""

PRIOR = 2
"""Draws from the prior N(0, I)."""

LIKELIHOOD = 3
"""Importance samples for the marginal likelihood; ``step`` counts blocks of test images."""

CORRUPTION = 4
"""Noise on the images that a denoising encoder sees at training step ``step``."""

CALIBRATION = 5
"""Posterior noise that a calibrated variance is estimated with; ``step`` counts blocks of images.
"""

BINARIZATION = 6
"""Black or white pixels drawn from grey ones at training step ``step``."""

ORDER = 7
"""Order of the training images in epoch ``step``."""
