"""The grid: its size, its order, and the ids of its runs."""

import hashlib
import json
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plan import MetricsSpec, RunConfig, SweepSpec, expand, load_spec

RUN = RunConfig(
    dataset="digits",
    data_hash="abc",
    architecture="mlp",
    hidden=(128, 64),
    likelihood="gaussian",
    objective="vae",
    latent_dim=8,
    posterior="diagonal",
    kl_weight=0.1,
    recon_weight=1.0,
    device="cpu",
    seed=3,
    epochs=100,
    batch_size=128,
    learning_rate=1e-3,
    kernel="auto",
    metrics=MetricsSpec(),
)
CANONICAL = (
    '{"adam_epsilon":1e-08,"architecture":"mlp","batch_size":128,"binarize":"none","capacity_nats":null,"corruption":0.25,'
    '"data_hash":"abc","dataset":"digits","decoder_decay":1e-06,"device":"cpu",'
    '"dtype":"float32","engine":"auto","epochs":100,"free_nats":0.0,"hidden":[128,64],'
    '"kernel":"auto","kl_cycles":4,"kl_schedule":"constant","kl_warmup":0.5,"kl_weight":0.1,'
    '"latent_dim":8,"latent_samples":1,"learning_rate":0.001,"learning_rate_decay":1.0,'
    '"learning_rate_milestones":[],"likelihood":"gaussian","metrics":{'
    '"disentanglement":true,"geometry":true,"importance_samples":64,"neighbors":5,"probes":true,'
    '"rate_decomposition":true,"sample_features":"pixels","sample_quality":true,"samples":null,'
    '"throughput":true},"objective":"vae","posterior":"diagonal","recon_weight":1.0,'
    '"schema_version":5,"seed":3}'
)
COMPACT = {"sort_keys": True, "separators": (",", ":")}
OTHER = {
    "dataset": "mnist",
    "data_hash": "abd",
    "architecture": "conv",
    "hidden": (128,),
    "likelihood": "bernoulli",
    "objective": "ae",
    "latent_dim": 9,
    "posterior": "full",
    "latent_samples": 5,
    "kl_schedule": "linear",
    "kl_warmup": 0.1,
    "kl_cycles": 2,
    "free_nats": 0.5,
    "capacity_nats": 3.0,
    "corruption": 0.1,
    "decoder_decay": 0.0,
    "kl_weight": None,
    "recon_weight": 2.0,
    "device": "cuda",
    "dtype": "float64",
    "seed": 4,
    "epochs": 101,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "kernel": "triton",
    "binarize": "fixed",
    "learning_rate_milestones": (1, 2),
    "learning_rate_decay": 0.5,
    "adam_epsilon": 1e-4,
    "engine": "eager",
    "metrics": MetricsSpec(neighbors=6),
}


def spec_of(**axes: list[object]) -> SweepSpec:
    return SweepSpec.model_validate({"name": "s", "sweep": axes})


def test_the_id_is_the_digest_of_the_canonical_json():
    assert RUN.canonical_json() == CANONICAL
    assert RUN.run_id == hashlib.sha256(CANONICAL.encode()).hexdigest()[:16]


def test_the_id_is_the_same_in_another_process():
    code = "from bench.plan import *; print(*[r.run_id for r in expand(load_spec(), 'h')])"
    ids = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]
    assert ids[0] == ids[1] == [run.run_id for run in expand(load_spec(), "h")]


def test_every_field_has_another_value_to_try():
    assert set(OTHER) == {field.name for field in fields(RunConfig) if field.init}


@pytest.mark.parametrize("name", OTHER)
def test_each_field_changes_the_id(name):
    assert replace(RUN, **{name: OTHER[name]}).run_id != RUN.run_id


@pytest.mark.parametrize("name", OTHER)
def test_structure_is_all_but_objective_weights_and_seed(name):
    same = replace(RUN, **{name: OTHER[name]}).structure == RUN.structure
    assert same == (name in {"objective", "kl_weight", "recon_weight", "seed"})


@pytest.mark.parametrize(("weight", "same"), [(1, 1.0), (0.0, -0.0), (-0.0, 0)])
def test_equal_weights_have_equal_ids(weight, same):
    runs = replace(RUN, kl_weight=weight), replace(RUN, kl_weight=same)
    assert runs[0] == runs[1]
    assert runs[0].run_id == runs[1].run_id


def test_ids_do_not_depend_on_what_was_laid_out_before():
    seeds = [*range(20_000)]  # more than are remembered
    runs = expand(spec_of(objective=["vae"], kl_weight=[1.0, 0.0], seed=seeds), "h")
    for run in (runs[0], runs[1], runs[-1]):
        digest = hashlib.sha256(json.dumps(json.loads(run.canonical_json()), **COMPACT).encode())
        assert run.run_id == digest.hexdigest()[:16]
    assert len({run.run_id for run in runs}) == 40_000


def test_the_default_grid_has_105_runs_a_device():
    runs = expand(load_spec(), "h")
    assert sum(run.device == "cpu" for run in runs) == 105
    assert len({run.run_id for run in runs}) == 210


def test_the_kl_weight_does_not_multiply_the_autoencoder():
    runs = expand(spec_of(kl_weight=[0.1, 1.0], seed=[0, 1]), "h")
    assert [(r.objective, r.kl_weight, r.seed) for r in runs] == [
        ("ae", None, 0),
        ("ae", None, 1),
        ("vae", 0.1, 0),
        ("vae", 0.1, 1),
        ("vae", 1.0, 0),
        ("vae", 1.0, 1),
    ]


@given(*[st.integers(1, 3)] * 5, st.lists(st.sampled_from(["ae", "vae"]), min_size=1, unique=True))
def test_the_count_is_the_length_of_the_grid(dims, kls, recons, devices, seeds, objectives):
    spec = spec_of(
        objective=objectives,
        latent_dim=list(range(1, dims + 1)),
        kl_weight=list(range(kls)),
        recon_weight=list(range(1, recons + 1)),
        device=["cpu", "cuda"][:devices],
        seed=list(range(seeds)),
    )
    runs = expand(spec, "h")
    assert spec.run_count == len(runs) == len({run.run_id for run in runs})


def test_a_linear_network_has_no_hidden_layers():
    spec = SweepSpec.model_validate({"name": "s", "model": {"architecture": "linear"}})
    assert {run.hidden for run in expand(spec, "h")} == {()}


def test_the_effective_decoder_variance_needs_a_gaussian_and_a_rate():
    assert replace(RUN, kl_weight=0.5, recon_weight=2.0).effective_decoder_variance == 0.125
    assert replace(RUN, likelihood="bernoulli").effective_decoder_variance is None
    assert replace(RUN, objective="ae", kl_weight=None).effective_decoder_variance is None
    for objective in ("iwae", "beta-tcvae"):  # an ELBO, or a bound above it, at β = 1 alone
        assert replace(RUN, objective=objective, kl_weight=0.5).effective_decoder_variance is None
        at_one = replace(RUN, objective=objective, kl_weight=1.0, recon_weight=2.0)
        assert at_one.effective_decoder_variance == 0.25
