"""Read a sweep directory into frames.

The only module that knows the file names and columns of a sweep; `measurements` knows those of
speed. A column that a sweep does not have becomes null, a table that it does not have becomes
empty: what is missing is then said on the page by the figure that wanted it.
"""

from __future__ import annotations

import json
import tomllib
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyarrow import ArrowException

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

TEXT_COLUMNS = (
    "run_id",
    "status",
    "reason",
    "dataset",
    "architecture",
    "hidden",
    "objective",
    "posterior",
    "likelihood",
    "device",
    "dtype",
    "kernel_backend",
    "executor",
    "sample_feature_space",
    "metric_notes",
)
CONTROLS = ("pixels", "pca", "random_encoder")
READ_OFF_CODES = (
    "probe_linear_accuracy_10_labels",
    "probe_linear_accuracy_100_labels",
    "probe_linear_accuracy",
    "probe_knn_accuracy",
    "cluster_nmi",
    "cluster_ari",
    "regression_r2_position",
    "regression_r2_scale",
    "regression_r2_orientation",
    "regression_r2_latents",
)
"""What stands beside the same of the controls."""

NUMBER_COLUMNS = (
    "latent_dim",
    "kl_weight",
    "recon_weight",
    "latent_samples",
    "effective_decoder_variance",
    "seed",
    "cohort_size",
    "epochs",
    "batch_size",
    "learning_rate",
    "train_steps",
    "train_seconds",
    "test_mse",
    "test_mse_sampled",
    "test_psnr_db",
    "test_ssim",
    "test_distortion_nats",
    "test_rate_nats",
    "test_elbo_nats",
    "test_log_likelihood_nats",
    "active_units",
    "mutual_information_nats",
    "total_correlation_nats",
    "dimensionwise_kl_nats",
    *READ_OFF_CODES,
    *(f"{column}_{control}" for column in READ_OFF_CODES for control in CONTROLS),
    "trustworthiness",
    "neighborhood_continuity",
    "interpolation_evenness",
    "interpolation_precision",
    "decoder_jacobian_norm",
    "decoder_jacobian_norm_scaled",
    "prior_precision",
    "prior_recall",
    "prior_density",
    "prior_coverage",
    "prior_frechet",
    "prior_kernel_distance",
    "gaussian_precision",
    "gaussian_recall",
    "gaussian_density",
    "gaussian_coverage",
    "gaussian_frechet",
    "gaussian_kernel_distance",
    "gmm_precision",
    "gmm_recall",
    "gmm_density",
    "gmm_coverage",
    "gmm_frechet",
    "gmm_kernel_distance",
    "mutual_information_gap",
    "sap",
    "modularity",
    "factor_vae_score",
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
    "sample_count",
    "sample_classifier_accuracy",
    "importance_samples",
    "failed_step",
    "peak_memory_bytes",
)
CURVE_COLUMNS = ("run_id", "epoch", "loss", "squared_error", "rate_nats")
THROUGHPUT_COLUMNS = (
    "objective",
    "latent_dim",
    "device",
    "phase",
    "batch_size",
    "repeat",
    "samples_per_s",
)
STATUSES = ("ok", "failed", "skipped")


class SweepError(ValueError):
    """A directory that cannot be read as a sweep; the message is one line."""


class SamplesError(SweepError):
    """The pictures of one run are absent or cannot be read."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One sweep directory in memory: tables only, pictures are read when a figure asks."""

    directory: Path
    name: str
    spec_text: str
    environment: Mapping[str, Any]
    runs: pd.DataFrame
    curves: pd.DataFrame
    throughput: pd.DataFrame

    def arrays(self, run_id: str, *names: str) -> list[NDArray[Any]]:
        """Arrays of these names from a run's `samples.npz`; raises SamplesError without them."""
        path = self.directory / "artifacts" / run_id / "samples.npz"
        where = f"artifacts/{run_id}/samples.npz"
        if not path.is_file():
            raise SamplesError(f"{where} does not exist")
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                found = {name: archive[name] for name in names if name in archive.files}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise SamplesError(f"{where} cannot be read: {error}") from error
        for name in names:
            if name not in found:
                raise SamplesError(f"{where} has no array {name}")
        return list(found.values())


def read_sweep(directory: Path, *, needs_runs: bool = True) -> Sweep:
    """Read every table of a sweep directory.

    Raises SweepError when a table cannot be read, or when there are no results; unless
    `needs_runs` is false, which makes a sweep without runs of them.
    """
    spec_text = _text(directory / "spec.toml")
    return Sweep(
        directory=directory,
        name=_name(spec_text, directory),
        spec_text=spec_text,
        environment=read_environment(directory / "environment.json"),
        runs=_runs(directory / "results.parquet", needed=needs_runs),
        curves=read_table(directory / "curves.parquet", CURVE_COLUMNS, text=("run_id",)),
        throughput=read_table(
            directory / "throughput.parquet",
            THROUGHPUT_COLUMNS,
            text=("objective", "device", "phase"),
        ),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SweepError(f"{path}: cannot be read as text: {error}") from error


def _name(spec_text: str, directory: Path) -> str:
    try:
        name = tomllib.loads(spec_text).get("name")
    except tomllib.TOMLDecodeError as error:
        raise SweepError(f"{directory / 'spec.toml'}: not TOML: {error}") from error
    return str(name) if name else directory.resolve().name


def read_environment(path: Path) -> dict[str, Any]:
    """Read what describes a machine and its software; empty where there is no such file."""
    try:
        environment = json.loads(_text(path) or "{}")
    except json.JSONDecodeError as error:
        raise SweepError(f"{path}: not JSON: {error}") from error
    if not isinstance(environment, dict):
        raise SweepError(f"{path}: a flat object is wanted, not {type(environment).__name__}")
    return environment


def _runs(path: Path, *, needed: bool) -> pd.DataFrame:
    if needed and not path.is_file():
        raise SweepError(f"{path.parent}: not a sweep directory: it has no {path.name}")
    runs = read_table(path, (*TEXT_COLUMNS, *NUMBER_COLUMNS), TEXT_COLUMNS)
    unknown = sorted(set(runs["status"]) - set(STATUSES))
    if unknown:
        raise SweepError(
            f"{path}: status {unknown[0]!r} is unknown; allowed: {', '.join(STATUSES)}"
        )
    return runs


def read_table(path: Path, columns: tuple[str, ...], text: tuple[str, ...]) -> pd.DataFrame:
    """Read exactly `columns` of a Parquet or CSV file, null where absent; no file, no rows.

    Text is plain strings ("" for null), numbers are finite float64. Raises SweepError when the
    file cannot be read.
    """
    frame = _frame(path) if path.is_file() else pd.DataFrame(columns=list(columns))
    return _typed(frame, columns, text)


def _frame(path: Path) -> pd.DataFrame:
    is_csv = path.suffix == ".csv"
    try:
        return pd.read_csv(path) if is_csv else pd.read_parquet(path)
    except (ArrowException, OSError, ValueError) as error:
        kind, first_line = "CSV" if is_csv else "Parquet", str(error).splitlines()[0]
        raise SweepError(f"{path}: cannot be read as {kind}: {first_line}") from error


def _typed(frame: pd.DataFrame, columns: tuple[str, ...], text: tuple[str, ...]) -> pd.DataFrame:
    typed: dict[str, pd.Series[Any]] = {}
    for column in columns:
        values = frame[column] if column in frame else pd.Series(None, index=frame.index)
        if column in text:
            texts = ["" if pd.isna(value) else str(value) for value in values]
            typed[column] = pd.Series(texts, index=frame.index, dtype=object)
        else:
            numbers = pd.to_numeric(values, errors="coerce").astype("float64")
            typed[column] = numbers.where(np.isfinite(numbers))
    return pd.DataFrame(typed, columns=list(columns)).reset_index(drop=True)
