"""Which specifications are possible, and what is said of the others."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from bench.plan import OBJECTIVE_FACTS, OBJECTIVES, SpecError, SweepSpec, check_against_data
from bench.plan.diagnosis import describe


def refusal(table: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        SweepSpec.model_validate(table)
    return describe(caught.value, "s.toml", ())


def named(**sections: object) -> dict[str, object]:
    return {"name": "s", **sections}


def test_only_a_name_is_needed_and_every_axis_left_out_has_its_default():
    spec = SweepSpec.model_validate(named())
    assert spec.sweep.objective == ("ae", "vae")
    assert spec.sweep.device == ("cpu",)
    assert spec.model.hidden == (128, 128)
    assert (spec.training.epochs, spec.training.batch_size) == (100, 128)
    assert spec.metrics.neighbors == 5


def test_a_spec_is_frozen_and_hashable():
    spec = SweepSpec.model_validate(named())
    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "other"
    assert hash(spec.metrics) == hash(SweepSpec.model_validate(named()).metrics)


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ({"sweep": {"latent_dim": [2, 0]}}, "sweep.latent_dim[1]: 0 is not allowed; a whole "),
        ({"sweep": {"latent_dim": [2.0]}}, "sweep.latent_dim[0]: 2.0 is not allowed; a whole "),
        ({"sweep": {"latent_dim": []}}, "sweep.latent_dim: [] is not allowed; a list of at least"),
        ({"sweep": {"latent_dim": 4}}, "sweep.latent_dim: 4 is not allowed; a list of at least"),
        ({"sweep": {"seed": [True]}}, "sweep.seed[0]: true is not allowed; a whole number of at "),
        ({"sweep": {"seed": [2**63]}}, "sweep.seed[0]: 9223372036854775808 is not allowed"),
        ({"sweep": {"seed": [-1]}}, "sweep.seed[0]: -1 is not allowed"),
        ({"sweep": {"kl_weight": [-0.5]}}, "sweep.kl_weight[0]: -0.5 is not allowed; a finite "),
        ({"sweep": {"kl_weight": [float("nan")]}}, "sweep.kl_weight[0]: nan is not allowed"),
        ({"sweep": {"kl_weight": [float("inf")]}}, "sweep.kl_weight[0]: inf is not allowed"),
        ({"sweep": {"kl_weight": [10**400]}}, "sweep.kl_weight[0]: a number of more than 70 "),
        ({"sweep": {"kl_weight": [True]}}, "sweep.kl_weight[0]: true is not allowed"),
        ({"sweep": {"kl_weight": ["1"]}}, 'sweep.kl_weight[0]: "1" is not allowed'),
        ({"sweep": {"recon_weight": [0]}}, "a finite number above 0 is"),
        ({"sweep": {"device": ["cuda:1"]}}, '"cuda:1" is not allowed; "cpu" or "cuda" is'),
        ({"sweep": {"seed": [3, 1, 3]}}, "a list without repeats (3 stands twice) is"),
        ({"sweep": {"kl_weight": [0.0, -0.0]}}, "a list without repeats (0.0 stands twice) is"),
        ({"sweep": {"objective": ["vea"]}}, '"iwae" or "beta-tcvae" is (did you mean "vae"?)'),
        ({"model": {"hidden": []}}, "model.hidden: [] is not allowed"),
        ({"model": {"architecture": "mpl"}}, 'factory" is (did you mean "mlp"?)'),
        ({"model": {"architecture": "a.b:"}}, 'model.architecture: "a.b:" is not allowed'),
        ({"model": {"architecture": "../x:f"}}, 'model.architecture: "../x:f" is not allowed'),
        ({"model": 3}, "model: 3 is not allowed; a table is"),
        ({"training": {"batch_size": 0}}, "training.batch_size: 0 is not allowed; a whole number"),
        ({"training": {"learning_rate": 0}}, "training.learning_rate: 0 is not allowed"),
        ({"sweep": {"dtype": ["float16"]}}, '"float32" or "bfloat16" is (did you mean'),
        ({"training": {"engine": "jit"}}, '"auto", "eager", "captured" or "compiled" is'),
        (
            {"training": {"engine": "captured"}},
            'training.engine: "captured" is not allowed; "auto", "eager" or "compiled" (with "cpu"',
        ),
        ({"training": {"kl_warmup": 1.5}}, "a finite number above 0 and at most 1 is"),
        (
            {"model": {"likelihood": "gaussian-calibrated"}, "sweep": {"objective": ["iwae"]}},
            'model.likelihood: "gaussian-calibrated" is not allowed; another likelihood (with iwae',
        ),
        (
            {"sweep": {"objective": ["beta-tcvae"], "posterior": ["full"]}},
            'sweep.posterior: "full" is not allowed; "diagonal" (with beta-tcvae',
        ),
        (
            {"sweep": {"posterior": ["full"]}, "training": {"free_nats": 0.5}},
            "training.free_nats: 0.5 is not allowed; 0 (free nats are counted by dimension",
        ),
        (
            {"training": {"free_nats": 0.5, "capacity_nats": 3}},
            "training.capacity_nats: 3.0 is not allowed; nothing (with training.free_nats",
        ),
        ({"metrics": {"probes": 1}}, "metrics.probes: 1 is not allowed; true or false is"),
        ({"metrics": {"samples": 5}}, "metrics.samples: 5 is not allowed; a number above metr"),
        ({"data": {"root": ""}}, 'data.root: "" is not allowed; the path of a folder is'),
        ({"data": {"root": "a\nb"}}, 'data.root: "a\\nb" is not allowed; the path of a folder is'),
        ({"name": "../up"}, 'name: "../up" is not allowed; a name of 1 to 64 letters'),
        ({"sweep": {"seed": list(range(10**6)), "kl_weight": [0, 1]}}, "a grid of 3000000 runs"),
    ],
)
def test_an_impossible_value_is_refused_with_where_what_and_what_is_allowed(sections, line):
    message = refusal(named(**sections))
    assert message.startswith("s.toml: ")
    assert line in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (named(sweep={"kl_weigth": [1]}), "sweep.kl_weigth: unknown key; did you mean sweep.kl_we"),
        (named(latent_dim=[2]), "latent_dim: unknown key; did you mean sweep.latent_dim?"),
        (named(training={"optimizer": 1}), "unknown key; known here are epochs, batch_size, lea"),
        (named(sweep={"a\nb": 1}), "sweep.'a\\nb': unknown key"),
        ({}, "name: is missing and has no default"),
    ],
)
def test_a_wrong_key_is_refused_with_the_nearest_right_one(table, line):
    assert line in refusal(table)


def test_of_several_errors_one_is_told_and_the_others_are_named():
    message = refusal(named(sweep={"latent_dim": [0], "seed": [], "kl_weight": [-1, -2, -3]}))
    assert "sweep.latent_dim[0]: 0" in message
    assert message.endswith(
        "(and 4 more: sweep.kl_weight[0], sweep.kl_weight[1], sweep.kl_weight[2], …)"
    )


def test_values_are_taken_as_numbers_of_their_kind():
    spec = SweepSpec.model_validate(named(sweep={"kl_weight": [1, -0.0]}))
    assert [repr(value) for value in spec.sweep.kl_weight] == ["1.0", "0.0"]


def test_a_root_may_start_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    spec = SweepSpec.model_validate(named(data={"name": "mnist", "root": "~/mnist"}))
    assert spec.data.root == tmp_path / "mnist"


def test_a_function_of_ones_own_is_an_architecture():
    spec = SweepSpec.model_validate(named(model={"architecture": "my.networks:small"}))
    assert spec.model.architecture == "my.networks:small"


def test_every_objective_has_its_facts_and_only_real_axes_are_unused():
    axes = set(type(SweepSpec.model_validate(named()).sweep).model_fields)
    assert set(OBJECTIVES) == set(OBJECTIVE_FACTS)
    assert all(facts.unused_axes <= axes for facts in OBJECTIVE_FACTS.values())


def test_a_batch_larger_than_the_training_set_is_refused():
    spec = SweepSpec.model_validate(named(training={"batch_size": 1438}))
    check_against_data(spec, 1438, 360)
    with pytest.raises(SpecError, match=r"^training\.batch_size: 1438 .* at most 1437 is, the"):
        check_against_data(spec, 1437)


def test_more_neighbors_than_other_test_images_are_refused():
    spec = SweepSpec.model_validate(named(metrics={"neighbors": 10}))
    check_against_data(spec, 1437, 11)
    with pytest.raises(SpecError, match=r"^metrics\.neighbors: 10 is not allowed; at most 9 is"):
        check_against_data(spec, 1437, 10)


def test_planning_and_results_import_no_torch():
    code = "import sys, bench.plan, bench.results, bench.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
