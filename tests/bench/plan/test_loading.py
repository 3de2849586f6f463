"""Files and overrides to specifications: the shipped ones, random ones, and broken ones."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.plan import SpecError, SweepSpec, load_spec, toml
from bench.plan.choices import ARCHITECTURES, DATASETS, DEVICES, KERNELS, LIKELIHOODS, OBJECTIVES
from bench.plan.keys import key_tree


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "s.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal_of(path: Path) -> str | None:
    try:
        load_spec(path)
    except SpecError as error:
        return str(error)
    return None


def test_the_default_sweep_is_the_one_promised():
    spec = load_spec()
    assert spec.name == "digits"
    assert spec.sweep.objective == ("ae", "vae")
    assert spec.sweep.latent_dim == (2, 4, 8, 16, 32)
    assert spec.sweep.kl_weight == (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    assert spec.sweep.device == ("cpu", "cuda")
    assert spec.sweep.seed == (0, 1, 2)
    assert (spec.training.epochs, spec.training.batch_size) == (100, 128)
    assert spec.training.learning_rate == 1e-3
    assert spec.run_count == 2 * 105


def some(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(strategy, min_size=1, max_size=4, unique=True)


sizes = st.integers(1, 65_536)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
possible_specs = st.fixed_dictionaries(
    {"name": st.from_regex(r"[a-z0-9_][a-z0-9._-]{0,9}", fullmatch=True)},
    optional={
        "data": st.fixed_dictionaries(
            {"name": st.sampled_from(DATASETS)},
            optional={"root": st.sampled_from(["data", "/data/a b/é"]), "train_size": sizes},
        ),
        "model": st.fixed_dictionaries(
            {},
            optional={
                "architecture": st.sampled_from([*ARCHITECTURES, "a.b:c"]),
                "hidden": st.lists(sizes, min_size=1, max_size=3),
                "likelihood": st.sampled_from(LIKELIHOODS),
            },
        ),
        "sweep": st.fixed_dictionaries(
            {},
            optional={
                "objective": some(st.sampled_from(OBJECTIVES)),
                "latent_dim": some(sizes),
                "kl_weight": some(st.floats(min_value=0, allow_infinity=False)),
                "recon_weight": some(positive),
                "device": some(st.sampled_from(DEVICES)),
                "seed": some(st.integers(0, 2**63 - 1)),
            },
        ),
        "training": st.fixed_dictionaries(
            {}, optional={"learning_rate": positive, "kernel": st.sampled_from(KERNELS)}
        ),
        "metrics": st.fixed_dictionaries({}, optional={"probes": st.booleans()}),
    },
)


def is_defined(table) -> bool:
    """Whether the objectives are defined for the likelihood."""
    likelihood = table.get("model", {}).get("likelihood")
    objectives = table.get("sweep", {}).get("objective", ())
    return not (likelihood == "gaussian-calibrated" and "iwae" in objectives)


in_one_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@in_one_folder
@given(possible_specs.filter(is_defined))
def test_a_resolved_spec_written_and_read_again_is_the_same(tmp_path, table):
    spec = SweepSpec.model_validate(table)
    again = load_spec(write(tmp_path, toml.dumps(spec.as_table())))
    assert again == spec


words = st.sampled_from([key for keys in key_tree().values() for key in keys] + ["x", "a b", ""])
anything = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["cpu", "ae", "vae", "digits", "a\nb"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@in_one_folder
@given(st.dictionaries(words, anything, max_size=5))
def test_any_toml_is_a_spec_or_is_refused_in_one_line(tmp_path, table):
    try:
        path = write(tmp_path, toml.dumps(table))
    except TypeError:  # a table inside a list, which the writer does not need
        return
    message = refusal_of(path)
    assert message is None or message.startswith(f"{path}: ")
    assert message is None or message.isprintable()


@in_one_folder
@given(st.binary(max_size=60))
def test_bytes_without_a_spec_are_refused_in_one_line(tmp_path, content):
    message = refusal_of(write(tmp_path, content))
    assert message is not None
    assert message.isprintable()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("name = \n", r"s\.toml: not TOML: .*line 1"),
        (b"name = '\xff'", r"s\.toml: not UTF-8 text \(byte 8\)"),
        ("x = " + "[" * 5000, r"s\.toml: not TOML that can be read"),
        ("x = " + "1" * 5000, r"s\.toml: not TOML that can be read"),
    ],
)
def test_what_is_no_toml_is_refused_with_the_place(tmp_path, content, line):
    with pytest.raises(SpecError, match=line):
        load_spec(write(tmp_path, content))


def test_a_missing_file_is_refused_with_those_that_are_there(tmp_path):
    with pytest.raises(SpecError, match=r"no\.toml: no such file; .*digits\.toml"):
        load_spec(tmp_path / "no.toml")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        load_spec(tmp_path)
