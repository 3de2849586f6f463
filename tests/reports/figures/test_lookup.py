"""Findings name the numbers of a summary as a verdict names those of its runs."""

from __future__ import annotations

import pandas as pd

from reports import wording
from reports.figures.lookup import interval
from reports.metrics import SHARE
from reports.statistics import estimate, summarise
from reports.study import records


def test_what_stands_behind_a_mean_is_not_cut_to_the_range_of_the_metric():
    scores = [0.3, 0.7]
    frame = pd.DataFrame({"latent_dim": 2, "score": scores})
    (row,) = records(summarise(frame, ["latent_dim"], "score", SHARE))
    assert (row["low"], row["high"]) == SHARE
    assert interval(row) == wording.interval(estimate(scores)) == "0.5 ± 2.5"
