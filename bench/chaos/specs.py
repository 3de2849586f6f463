"""Random specifications, possible and impossible ones, as TOML text (Hypothesis strategies)."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from bench.chaos.sweep import OFF
from bench.plan import choices
from bench.plan.keys import key_tree

__all__ = ["any_text", "tiny_tables", "to_text"]

HUGE = 2**63 - 1

WORDS = {
    "data.name": tuple(name for name in choices.DATASETS if name != "hf"),  # asks the network
    "data.binarize": choices.BINARIZE,
    "model.architecture": (
        *choices.ARCHITECTURES,
        *("no_such_package:factory", "json:decoder", "math:sqrt", "os:getcwd", "bench.plan:POINT"),
    ),
    "model.likelihood": choices.LIKELIHOODS,
    "training.kl_schedule": choices.KL_SCHEDULES,
    "training.kernel": choices.KERNELS,
    "training.engine": choices.ENGINES,
    "metrics.sample_features": choices.SAMPLE_FEATURES,
}
WORD_AXES = {
    "sweep.objective": choices.OBJECTIVES,
    "sweep.posterior": choices.POSTERIORS,
    "sweep.device": choices.DEVICES,
    "sweep.dtype": choices.DTYPES,
}
NUMBER_AXES = ("sweep.latent_dim", "sweep.latent_samples", "sweep.seed", "model.hidden")
REAL_AXES = ("sweep.kl_weight", "sweep.recon_weight")
FLAGS = {f"metrics.{family}" for family in (*OFF, "sample_quality")}
REALS = {
    *("training.learning_rate", "training.learning_rate_decay", "training.adam_epsilon"),
    *("training.kl_warmup", "training.free_nats", "training.capacity_nats"),
    *("training.corruption", "training.decoder_decay"),
}

usual = st.integers(1, 40)
wholes = usual | usual | usual | st.sampled_from([64, 1437, 1438, 65_536, 10**6, HUGE])
reals = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-30, 1e30, 1.7e308])


def _some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


def _fitting(path: str) -> st.SearchStrategy[Any]:
    """Values of the kind that a key takes, those at and beyond the ends of what is allowed too."""
    if path in WORDS:
        return st.sampled_from(WORDS[path])
    if path in WORD_AXES:
        return _some(st.sampled_from(WORD_AXES[path]))
    if path in NUMBER_AXES:
        return _some(wholes)
    if path in REAL_AXES:
        return _some(reals)
    if path == "training.learning_rate_milestones":
        return st.lists(wholes, max_size=3, unique=True)
    if path == "data.root":
        return st.sampled_from(["/nowhere", "~nobody-of-this-name/x", "/dev/null"])
    if path in FLAGS:
        return st.booleans()
    if path in {"data.train_size", "data.test_size"}:
        return st.sampled_from([10, 40, 100, 360, 1437]) | wholes
    if path in REALS:
        return reals
    return wholes


_hostile = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "a\nb", "../up", "\x7f", "é", -1, 0, 10**400, "null", "vea"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
_names = st.sampled_from(["s", "a.b-c", "9"]) | _hostile
_slips = st.sampled_from(["latent_dims", "kl_weigth", "sweep", "x", "", "a b"])


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Specifications that are right but for a slip here and there, if any."""
    tree = key_tree()
    slips = draw(st.sampled_from([0.0, 0.0, 0.03, 0.3]))
    chance = st.floats(0, 1, exclude_max=True)
    table: dict[str, Any] = {"name": draw(_names if draw(chance) < slips else st.just("s"))}
    for section in draw(st.lists(st.sampled_from([n for n in tree if n]), unique=True)):
        keys = draw(st.lists(st.sampled_from(tree[section]), unique=True, max_size=5))
        table[section] = {
            key: draw(_hostile if draw(chance) < slips else _fitting(f"{section}.{key}"))
            for key in keys
        }
        if draw(chance) < slips:
            table[section][draw(_slips)] = draw(_hostile)
        if draw(chance) < slips:
            table[section] = draw(_hostile)
    if draw(chance) < slips:
        table[draw(_slips)] = draw(_hostile)
    return table


def to_text(table: dict[str, Any]) -> str:
    """Any table as TOML; ``bench.plan.toml`` writes what a specification can hold alone."""
    lines = [f"{_text(key)} = {_inline(v)}" for key, v in table.items() if not isinstance(v, dict)]
    for name, section in table.items():
        if isinstance(section, dict):
            lines.append(f"[{_text(name)}]")
            lines += [f"{_text(key)} = {_inline(value)}" for key, value in section.items()]
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    match value:
        case dict():
            inner = ", ".join(f"{_text(key)} = {_inline(item)}" for key, item in value.items())
            return f"{{{inner}}}"
        case list():
            return f"[{', '.join(map(_inline, value))}]"
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_pieces = st.sampled_from(
    [
        *("[", "]", "{", "}", '"', "'", "=", ".", "\n", "#", "[[sweep]]", "1979-05-27", "0x10"),
        *("inf", "nan", "true", "[sweep]\n", "seed = [0]\n", "'''", '"""', "\\u0000", "1e999"),
        *("é", "\0"),
    ]
)


@st.composite
def _broken(draw: st.DrawFn) -> str:
    """The text of a specification with pieces cut out and others put in."""
    text = draw(tables().map(to_text))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 8))
        text = text[:place] + draw(_pieces) + text[place + cut :]
    return text


any_text = tables().map(to_text) | _broken()
"""TOML, or nearly."""


@st.composite
def tiny_tables(draw: st.DrawFn) -> dict[str, Any]:
    """Specifications that can be trained in a second: one epoch of two runs or a few more."""
    chosen = {path: draw(st.sampled_from(words)) for path, words in WORDS.items()}
    objectives = st.lists(st.sampled_from(choices.OBJECTIVES), min_size=1, max_size=2, unique=True)
    small = {
        "data.name": "digits",
        "data.train_size": draw(st.sampled_from([48, 100])),
        "data.test_size": draw(st.sampled_from([20, 37])),
        "model.architecture": draw(st.sampled_from(choices.ARCHITECTURES)),
        "model.hidden": draw(st.lists(st.integers(1, 9), min_size=1, max_size=2)),
        "sweep.objective": draw(objectives),
        "sweep.latent_dim": draw(st.lists(st.integers(1, 5), min_size=1, max_size=1)),
        "sweep.kl_weight": [draw(reals)],
        "sweep.recon_weight": [draw(reals.filter(lambda weight: weight > 0))],
        "sweep.posterior": [draw(st.sampled_from(choices.POSTERIORS))],
        "sweep.latent_samples": [draw(st.integers(1, 3))],
        "sweep.dtype": [draw(st.sampled_from(choices.DTYPES))],
        "sweep.seed": [draw(st.integers(0, HUGE))],
        "training.engine": "eager",  # compiling takes most of a minute
        "training.epochs": 1,
        "training.batch_size": draw(st.sampled_from([1, 16, 48])),
        "training.learning_rate": draw(st.sampled_from([1e-3, 1.0, 1e30])),
        "training.kl_warmup": draw(st.sampled_from([1e-9, 0.5, 1.0])),
        "training.kl_cycles": draw(st.sampled_from([1, 4, HUGE])),
        "training.learning_rate_milestones": draw(st.lists(st.integers(1, 2), max_size=1)),
        "training.free_nats": draw(st.sampled_from([0.0, 0.0, 0.5, 1e30])),
        "training.corruption": draw(st.sampled_from([1e-9, 0.25, 1e30])),
        "metrics.neighbors": draw(st.integers(1, 19)),
        "metrics.importance_samples": draw(st.integers(1, 3)),
        "metrics.samples": draw(st.sampled_from([20, 40])),
        **{flag: draw(st.booleans()) for flag in sorted(FLAGS)},
        "metrics.throughput": False,
    }
    table: dict[str, Any] = {"name": "tiny"}
    for path, value in (chosen | small).items():
        section, _, key = path.partition(".")
        table.setdefault(section, {})[key] = value
    return table
