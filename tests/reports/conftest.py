"""A synthetic sweep directory with the numbers that a digits sweep is known to show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from reports import build

# latent 16, C = 1, 150 epochs: test MSE, rate, active units, probe, prior precision, coverage
PUBLISHED = {
    None: (0.0123, None, 16, 0.88, 0.08, 0.04),
    0.003: (0.0116, 41.0, 16, 0.87, 0.71, 0.42),
    0.01: (0.0113, 26.0, 16, 0.88, 0.78, 0.56),
    0.03: (0.0140, 15.0, 13, 0.86, 0.86, 0.69),
    0.1: (0.0180, 7.5, 14, 0.89, 0.97, 0.80),
    0.3: (0.0268, 3.6, 4, 0.89, 0.99, 0.80),
    1.0: (0.0646, 0.26, 5, 0.78, 1.0, 0.17),
}
SPEC = """name = {name}
[data]
name = "digits"
[model]
architecture = "mlp"
hidden = [128, 128]
[sweep]
objective = ["ae", "vae"]
latent_dim = [2, 4, 8, 16, 32]
kl_weight = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
device = ["cpu", "cuda"]
seed = [0, 1, 2]
[training]
epochs = 40
"""


@dataclass
class SweepWriter:
    """Writes a sweep directory; every field is an axis or an oddity."""

    directory: Path
    objectives: tuple[str, ...] = ("ae", "vae")
    latent_dims: tuple[int, ...] = (2, 4, 8, 16, 32)
    kl_weights: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    devices: tuple[str, ...] = ("cpu",)
    skipped_devices: tuple[str, ...] = ("cuda",)
    seeds: tuple[int, ...] = (0, 1, 2)
    name: str = "digits"
    pictures: bool = True
    labels: bool = True
    columns: dict[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def write(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        spec = SPEC.format(name=json.dumps(self.name, ensure_ascii=False))
        (self.directory / "spec.toml").write_text(spec, encoding="utf-8")
        (self.directory / "environment.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
        runs = pd.DataFrame(self.rows()).assign(**self.columns).drop(columns=list(self.drop))
        runs.to_parquet(self.directory / "results.parquet")
        self.curves(runs).to_parquet(self.directory / "curves.parquet")
        self.throughput().to_parquet(self.directory / "throughput.parquet")
        if self.pictures:
            for run in runs[runs["status"] == "ok"].to_dict("records"):
                folder = self.directory / "artifacts" / run["run_id"]
                folder.mkdir(parents=True, exist_ok=True)
                arrays = samples(run)
                if not self.labels:
                    unknown = [name for name in arrays if name.endswith("_labels")]
                    arrays |= {name: np.full_like(arrays[name], -1) for name in unknown}
                np.savez_compressed(folder / "samples.npz", **arrays)
        return self.directory

    def rows(self) -> list[dict[str, Any]]:
        found = []
        for objective, latent_dim in ((o, d) for o in self.objectives for d in self.latent_dims):
            weights = (None,) if objective == "ae" else self.kl_weights
            for kl_weight in weights:
                for seed in self.seeds:
                    cell = (objective, latent_dim, kl_weight, seed)
                    found += [ok_row(*cell, device) for device in self.devices]
                    found += [base_row(*cell, device) | SKIPPED for device in self.skipped_devices]
        return found

    def curves(self, runs: pd.DataFrame) -> pd.DataFrame:
        epochs = np.arange(1, 41)
        frames = []
        for run in runs[runs["status"] == "ok"].to_dict("records"):
            error = 64 * run.get("test_mse", 0.01) * (1 + 20 * np.exp(-epochs / 6))
            rate = np.nan if run["objective"] == "ae" else run.get("test_rate_nats", 1.0)
            rise = rate * (1 - np.exp(-epochs / 4))
            frames.append(
                pd.DataFrame(
                    {
                        "run_id": run["run_id"],
                        "epoch": epochs,
                        "loss": error + 0.1 * np.nan_to_num(rise),
                    }
                ).assign(squared_error=error, rate_nats=rise)
            )
        columns = ["run_id", "epoch", "loss", "squared_error", "rate_nats"]
        return pd.concat(frames) if frames else pd.DataFrame(columns=columns)

    def throughput(self) -> pd.DataFrame:
        rows = [
            {
                "objective": objective,
                "latent_dim": dim,
                "device": device,
                "phase": phase,
                "batch_size": 128,
                "repeat": repeat,
                "samples_per_s": base
                * (1.0 - 0.06 * (objective == "vae"))
                * (1 + 0.03 * repeat)
                / (1 + dim / 90),
            }
            for objective in self.objectives
            for dim in self.latent_dims
            for device in self.devices
            for phase, base in (("train", 4.1e5), ("encode", 2.6e6), ("decode", 2.4e6))
            for repeat in range(5)
        ]
        return pd.DataFrame(rows)


SKIPPED = {"status": "skipped", "reason": "device cuda: torch reports no CUDA device"}
ENVIRONMENT = {
    "vaebench_version": "0.1.0",
    "commit": "0123456789abcdef",
    "command": "python -m bench run --out runs/digits",
    "started_at": "2026-11-24T12:00:00+00:00",
    "wall_seconds": 171.4,
    "python": "3.12.3",
    "platform": "Linux-6.1-x86_64",
    "cpu": "AMD EPYC 7763",
    "cpu_cores": 2,
    "torch": "2.13.0",
    "gpu": None,
}


def base_row(
    objective: str, latent_dim: int, kl_weight: float | None, seed: int, device: str
) -> dict[str, Any]:
    return {
        "run_id": f"{objective}-{latent_dim}-{kl_weight}-{seed}-{device}".replace("None", "0"),
        "status": "ok",
        "reason": None,
        "dataset": "digits",
        "architecture": "mlp",
        "hidden": "128x128",
        "objective": objective,
        "posterior": "point" if objective == "ae" else "diagonal",
        "likelihood": "gaussian",
        "latent_dim": latent_dim,
        "kl_weight": kl_weight,
        "recon_weight": 1.0,
        "device": device,
        "dtype": "float32",
        "seed": seed,
        "kernel_backend": "reference",
        "executor": "local",
        "cohort_size": 21,
        "epochs": 40,
        "batch_size": 128,
        "learning_rate": 1e-3,
    }


def ok_row(
    objective: str, latent_dim: int, kl_weight: float | None, seed: int, device: str
) -> dict[str, Any]:
    noise = np.random.default_rng([seed, latent_dim]).normal(size=8)
    nearest = (
        None
        if kl_weight is None
        else min(
            (w for w in PUBLISHED if w is not None),
            key=lambda w: abs(np.log(max(w, 1e-6) / max(kl_weight, 1e-6))),
        )
    )
    mse, rate, active, probe, precision, coverage = PUBLISHED[nearest]
    size = np.log2(latent_dim / 16)
    mse = max(mse * (1 + 0.02 * noise[0]), 0.045 * 2.0 ** -(np.log2(latent_dim) - 1) + 0.004)
    rate = None if rate is None else min(rate, 2.6 * latent_dim) * (1 + 0.03 * noise[1])
    distortion = 64 * (mse / (2 * 0.5) + 0.5 * np.log(np.pi))
    return base_row(objective, latent_dim, kl_weight, seed, device) | {
        "test_mse": mse,
        "test_mse_sampled": mse * 1.2,
        "test_psnr_db": -10 * np.log10(mse),
        "test_distortion_nats": distortion,
        "test_rate_nats": rate,
        "test_elbo_nats": None if rate is None else -(distortion + rate),
        "active_units": min(active, latent_dim),
        "probe_linear_accuracy": np.clip(probe + 0.05 * min(size, 0.5) + 0.01 * noise[2], 0, 1),
        "probe_knn_accuracy": np.clip(probe + 0.04 + 0.04 * min(size, 0.5) + 0.01 * noise[3], 0, 1),
        "probe_linear_accuracy_pixels": 0.95,
        "probe_linear_accuracy_pca": np.clip(0.9 + 0.05 * size, 0, 0.95),
        "probe_linear_accuracy_random_encoder": np.clip(0.8 + 0.06 * size, 0, 0.93),
        "probe_knn_accuracy_pixels": 0.97,
        "probe_knn_accuracy_pca": np.clip(0.92 + 0.05 * size, 0, 0.97),
        "probe_knn_accuracy_random_encoder": np.clip(0.82 + 0.06 * size, 0, 0.93),
        **{
            f"{score}{control}": np.clip(
                level - loss + 0.01 * noise[2] * (control != "_pixels"), 0, 1
            )
            for score, level in {
                "probe_linear_accuracy_10_labels": 0.6,
                "probe_linear_accuracy_100_labels": 0.85,
                "cluster_nmi": 0.7,
                "cluster_ari": 0.55,
            }.items()
            for control, loss in {
                "": 0.1 if kl_weight is None else 0.02,
                "_pixels": 0.03,
                "_pca": 0.05,
                "_random_encoder": 0.2,
            }.items()
        },
        "interpolation_evenness": np.clip(
            (0.52 if kl_weight is None else 0.71) + 0.02 * noise[4], 0, 1
        ),
        "prior_precision": np.clip(precision + 0.02 * noise[5], 0, 1),
        "prior_recall": np.clip(coverage * 0.9 + 0.02 * noise[6], 0, 1),
        "prior_density": max(precision * 0.9 + 0.03 * noise[5], 0.0),
        "prior_coverage": np.clip(coverage + 0.02 * noise[6], 0, 1),
        "prior_frechet": (3.0 - 2.5 * coverage) * (1 + 0.03 * noise[7]),
        "sample_feature_space": "pixels",
        "sample_count": 360,
        "train_seconds": 12.0,
    }


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    bunch = load_digits()
    return (bunch.images * 255 / 16).astype(np.uint8), bunch.target


def samples(run: dict[str, Any]) -> dict[str, np.ndarray]:
    images, labels = digits()
    generator = np.random.default_rng(run["seed"])
    dim, is_ae = int(run["latent_dim"]), run["objective"] == "ae"
    blur = (
        0.1
        if is_ae
        else float(np.clip(0.15 + 0.25 * np.log10(max(run["kl_weight"], 1e-4) / 0.003), 0, 1))
    )
    average = images.mean(axis=0)
    noise = generator.normal(0, 90 if is_ae else 5, (64, 8, 8))
    codes = generator.normal(size=(360, dim)) * (5 if is_ae else 0.5)
    centres = np.random.default_rng(7).normal(size=(10, dim)) * (8 if is_ae else 1.2)
    path = np.linspace(0, 1, 9)[None, :, None, None]
    ends = images[:4].astype(float)[:, None], images[4:8].astype(float)[:, None]
    arrays: dict[str, np.ndarray] = {
        "originals": images[:16],
        "original_labels": labels[:16],
        "reconstructions": mix(images[:16], average, blur),
        "prior_samples": np.clip(mix(images[100:164], average, blur) + noise, 0, 255).astype(
            np.uint8
        ),
        "interpolations": ((1 - path) * ends[0] + path * ends[1]).astype(np.uint8),
        "interpolation_labels": np.stack([labels[:4], labels[4:8]], axis=1),
        "codes": (codes + centres[labels[:360]]).astype(np.float32),
        "code_labels": labels[:360],
        "mean_variance": np.ones(dim, np.float32),
        "ranked_originals": images[20:32],
        "ranked_reconstructions": mix(images[20:32], average, blur),
        "ranked_mse": np.linspace(0.2, 3.0, 12, dtype=np.float32) * run.get("test_mse", 0.01),
        "traversals": images[40 : 40 + 7 * min(dim, 6)].reshape(-1, 7, 8, 8),
        "traversal_dimensions": np.arange(min(dim, 6)),
        "traversal_values": np.tile(np.linspace(-2.5, 2.5, 7, dtype=np.float32), (min(dim, 6), 1)),
    }
    if not is_ae:
        share = np.exp(-np.arange(dim) / max(dim / 3, 1))
        arrays["rate_per_dimension"] = (run.get("test_rate_nats") or 1.0) * share / share.sum()
    if dim == 2:
        arrays["manifold"] = images[:225].reshape(15, 15, 8, 8)
        arrays["manifold_axes"] = np.tile(np.linspace(-2.5, 2.5, 15, dtype=np.float32), (2, 1))
        arrays["gaps"] = generator.normal(size=(6, 2)).astype(np.float32) * 3
        arrays["gap_images"] = images[200:206]
        arrays["gaps_in_manifold"] = np.arange(6) < (2 if is_ae else 5)
        if not is_ae:
            arrays["code_covariances"] = np.tile((0.1 + blur) ** 2 * np.eye(2), (360, 1, 1))
    return arrays


def mix(images: np.ndarray, average: np.ndarray, share: float) -> np.ndarray:
    return ((1 - share) * images + share * average).astype(np.uint8)


@pytest.fixture
def sweep_writer(tmp_path: Path) -> SweepWriter:
    return SweepWriter(tmp_path / "sweep")


@pytest.fixture(scope="session")
def default_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SweepWriter(tmp_path_factory.mktemp("default") / "sweep").write()


@pytest.fixture(scope="session")
def default_report(default_sweep: Path) -> Path:
    return build(default_sweep)


@pytest.fixture(scope="session")
def sweep_writer_class() -> type[SweepWriter]:
    return SweepWriter
