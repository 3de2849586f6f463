"""Which code stands still when a factor does? The FactorVAE score.

Knows codes [N, D] and factors [N, F]; not the data they come from. Constants and sample sizes are
those of disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359).
"""

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import Float64Array
from bench.metrics.factors import IntArray, discrete_factors

TRAIN_VOTES = 10_000
TEST_VOTES = 5_000
BATCH_SIZE = 64
SMALLEST_DEVIATION = 0.05

_BLOCK_VOTES = 512


def factor_vae_score(codes: npt.ArrayLike, factors: npt.ArrayLike, *, seed: int = 0) -> float:
    """Return how often the stillest code names the factor that was held fixed, in [0, 1].

    A vote: one factor, drawn at random, keeps one value; of 64 points that share it, drawn with
    replacement, the code whose variance is the smallest part of its variance over all points is
    the vote. Each code stands for the factor that 10,000 votes give it most often; the score is
    the accuracy of that rule on 5,000 further votes. Codes whose standard deviation over all
    points is below 0.05 cannot be voted for; where no code can, the score is 0. Chance is 1/F.

    Parameters
    ----------
    codes : [N, D]. factors : [N, F] discrete, F >= 2; a value that occurs once is never held.

    Raises
    ------
    MetricError
        If there is one factor only, a factor has one value or never repeats one, rows do not
        match, or values are not finite.

    References
    ----------
    Kim & Mnih 2018, arXiv:1802.05983, section 4.
    """
    z, y = discrete_factors(codes, factors, min_factors=2)
    deviation = z.std(axis=0, ddof=1)
    active = deviation >= SMALLEST_DEVIATION
    if not active.any():
        return 0.0
    scaled = (z - z.mean(axis=0))[:, active] / deviation[active]
    generator = np.random.default_rng(seed)
    counted = _votes(scaled, y, TRAIN_VOTES, generator)
    named = counted.argmax(axis=0)
    asked = _votes(scaled, y, TEST_VOTES, generator)
    return float(asked[named, np.arange(scaled.shape[1])].sum() / TEST_VOTES)


def _votes(
    codes: Float64Array, factors: IntArray, count: int, generator: np.random.Generator
) -> IntArray:
    """Count votes [F, D]: how often code d was the stillest while factor f was held."""
    votes = np.zeros((factors.shape[1], codes.shape[1]), dtype=np.intp)
    held = generator.integers(factors.shape[1], size=count)
    for factor, column in enumerate(factors.T):
        for rows in _rows_of_values(column, int((held == factor).sum()), generator):
            for block in np.array_split(rows, max(1, len(rows) // _BLOCK_VOTES)):
                stillest = codes[block].var(axis=1, ddof=1).argmin(axis=1)
                votes[factor] += np.bincount(stillest, minlength=codes.shape[1])
    return votes


def _rows_of_values(factor: IntArray, count: int, generator: np.random.Generator) -> list[IntArray]:
    """Draw `count` batches of rows [batches, 64], one array a value, that share a factor's value.

    A value is drawn as often as it occurs.
    """
    occurrences = np.bincount(factor)
    repeated = np.flatnonzero(occurrences > 1)
    share = occurrences[repeated] / occurrences[repeated].sum()
    batches = generator.multinomial(count, share)
    order = np.argsort(factor, kind="stable")
    first = np.cumsum(occurrences) - occurrences
    return [
        order[first[value] + generator.integers(occurrences[value], size=(batch, BATCH_SIZE))]
        for value, batch in zip(repeated, batches, strict=True)
        if batch
    ]
