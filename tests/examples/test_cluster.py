"""The jobs of a cluster, run by hand as Slurm would."""

import os
import socket
import subprocess

import pandas as pd
import pytest

from bench.gates.command import ROOT

SETTINGS = ["training.epochs=1", "data.train_size=256", "sweep.kl_weight=[0.3]"]
SETTINGS += [f"metrics.{name}=false" for name in ("probes", "sample_quality", "geometry")]
SETTINGS += ["metrics.throughput=false", "sweep.latent_dim=[4]"]
OPTIONS = [part for setting in SETTINGS for part in ("--set", setting)]


def job(folder, script, *arguments, **variables):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | variables
    finished = subprocess.run(
        ["bash", script, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.slow
def test_parts_of_an_array_are_joined(example, bench):
    folder = example("cluster")
    for part in ("0", "3"):
        options = (*OPTIONS, "--executor", "local")
        job(folder, "parts.sbatch", *options, SLURM_ARRAY_TASK_ID=part)
    bench("merge", "runs/part-0", "runs/part-3", "--out", "runs/all")
    runs = pd.read_parquet("runs/all/results.parquet")
    assert sorted(set(runs["seed"])) == [0, 1, 6, 7]
    assert set(runs["status"]) == {"ok"}


@pytest.mark.slow
def test_one_job_is_a_ray_cluster(example, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed")
    folder = example("cluster")
    with socket.socket() as free:
        free.bind(("", 0))
        port = str(free.getsockname()[1])
    variables = {"SLURM_JOB_NUM_NODES": "1", "SLURM_CPUS_PER_TASK": "2", "RAY_PORT": port}
    variables |= {"HOME": str(tmp_path), "RAY_USAGE_STATS_ENABLED": "0"}
    few = (*OPTIONS, "--set", "sweep.seed=[0]", "--no-report", "--out", "out")
    job(folder, "ray.sbatch", *few, **variables)
    runs = pd.read_parquet("out/results.parquet")
    assert set(runs["executor"]) == {"ray"}
    assert set(runs["status"]) == {"ok"}
