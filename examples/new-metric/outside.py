"""A metric of one's own on a finished sweep: ``python outside.py runs/new-metric``.

The participation ratio of the test codes' covariance, (Σλ)² / Σλ²: how many directions the codes
fill, whatever their scale and however they are turned.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import vae_core


def participation_ratio(codes: np.ndarray) -> float:
    """Codes ``[N, D]`` to a number in [1, D]."""
    eigenvalues = np.linalg.eigvalsh(np.cov(codes, rowvar=False))
    return float(eigenvalues.sum() ** 2 / np.square(eigenvalues).sum())


def main(sweep: Path) -> None:
    """Print each kind of run's participation ratio beside its active units, mean over seeds."""
    dataset = vae_core.load_dataset("digits")
    images = dataset.pixels(dataset.test_images)
    runs = pd.read_parquet(sweep / "results.parquet").query("status == 'ok'").copy()
    with torch.inference_mode():
        runs["participation_ratio"] = [
            participation_ratio(
                vae_core.load(sweep / "artifacts" / run_id / "model.safetensors")
                .encode(images)
                .mu.numpy()
            )
            for run_id in runs["run_id"]
        ]
    by = ["objective", "kl_weight", "latent_dim"]
    columns = ["participation_ratio", "active_units", "test_mse"]
    print(runs.groupby(by, dropna=False)[columns].mean().round(3).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
