"""``--set`` on the command line."""

from pathlib import Path

import pytest

from bench.plan import SpecError, load_spec


def test_a_value_is_toml():
    spec = load_spec(None, ["sweep.kl_weight=[0.5, 1]", "metrics.probes=false", "name='other'"])
    assert spec.sweep.kl_weight == (0.5, 1.0)
    assert not spec.metrics.probes
    assert spec.name == "other"


def test_what_is_no_toml_is_a_bare_word():
    spec = load_spec(None, ["data.name=mnist", "data.root=/data/my mnist=2"])
    assert spec.data.name == "mnist"
    assert spec.data.root == Path("/data/my mnist=2")


def test_a_later_override_wins_and_a_table_the_file_lacks_appears(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n')
    spec = load_spec(path, ["training.epochs=1", "training.epochs=2"])
    assert spec.training.epochs == 2


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("sweep.kl_weight=[-1]", r"^--set: sweep\.kl_weight\[0\]: -1 is not allowed"),
        (
            "sweep.kl_wieght=[1]",
            r"^--set: sweep\.kl_wieght: unknown key; did you mean sweep\.kl",
        ),
        ("kl_weight=[1]", r"^--set: kl_weight: unknown key; did you mean sweep\.kl_weight\?"),
        ("a.b.c=1", r"^--set: a\.b\.c: unknown key; known here are name, data, model"),
        ("sweep={}", r"^--set: sweep: is a table; name a key in it, such as sweep\.objective"),
        ("sweep.seed", r'^--set: "sweep\.seed" is not allowed; KEY=VALUE is'),
        ("=1", r'^--set: "=1" is not allowed; KEY=VALUE is'),
        ("sweep.seed=[1", r'^--set: sweep\.seed: "\[1" is no complete TOML value'),
        ("sweep.seed=1\nname = 'x'", r"^--set: sweep\.seed: \"1\\nname = 'x'\" is not allowed"),
        ("sweep.seed=", r'^--set: sweep\.seed: "" is not allowed; a list'),
    ],
)
def test_a_wrong_override_is_refused_and_blamed(override, line):
    with pytest.raises(SpecError, match=line):
        load_spec(None, [override])


def test_an_error_of_the_file_is_not_blamed_on_an_override(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\nmodel = 3\n')
    with pytest.raises(SpecError, match=r"s\.toml: model: 3 is not allowed; a table is"):
        load_spec(path, ["model.hidden=[4]"])
