from __future__ import annotations

import math
import tomllib

import pytest

from reports.toml import dump, run_spec

SPEC = """
name = "digits"
[model]
hidden = [128, 128]
[sweep]
objective = ["ae", "vae"]
latent_dim = [2, 16]
kl_weight = [0.003, 1.0]
seed = [0, 1]
[training]
learning_rate = 1e-3
warm = true
"""


def test_a_run_spec_has_one_level_on_every_axis():
    run = {"objective": "vae", "latent_dim": 16.0, "kl_weight": 0.003, "seed": 1.0}
    spec = tomllib.loads(run_spec(SPEC, run))
    assert spec["sweep"] == {
        "objective": ["vae"],
        "latent_dim": [16],
        "kl_weight": [0.003],
        "seed": [1],
    }
    assert isinstance(spec["sweep"]["latent_dim"][0], int)
    assert spec["training"] == {"learning_rate": 1e-3, "warm": True}
    assert spec["model"]["hidden"] == [128, 128]


def test_an_axis_without_meaning_for_the_run_keeps_its_first_level():
    run = {"objective": "ae", "latent_dim": 2.0, "kl_weight": math.nan, "seed": 0.0}
    assert tomllib.loads(run_spec(SPEC, run))["sweep"]["kl_weight"] == [0.003]


def test_no_spec_gives_no_text():
    assert run_spec("", {"seed": 1.0}) == ""


@pytest.mark.parametrize(
    "text",
    ['<script>"\\', "line\nbreak\ttab", "emoji 🧪", "\x7f\x01", "", "x" * 200],
)
def test_dump_is_read_back_by_tomllib(text):
    document = {"name": text, "a table": {text or "k": [text, 1, 2.5, False]}, "deep": {"er": {}}}
    document["deep"]["er"]["x"] = {"y": text}
    assert tomllib.loads(dump(document)) == document
