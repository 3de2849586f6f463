"""Active units and test MSE of two sweeps, mean over seeds: ``python answer.py A B``."""

import sys
from pathlib import Path

import pandas as pd

columns = ["active_units", "test_mse", "test_rate_nats"]
for sweep in sys.argv[1:]:
    runs = pd.read_parquet(Path(sweep) / "results.parquet").query("status == 'ok'")
    print(sweep)
    print(runs.groupby("kl_weight")[columns].mean().round(4).to_string())
