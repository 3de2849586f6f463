"""The writer, held against the standard library's reader."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plan import toml

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | text
values = scalars | st.lists(scalars, max_size=4) | st.lists(st.lists(scalars, max_size=2))
tables = st.recursive(
    st.dictionaries(text, values, max_size=4),
    lambda inner: st.dictionaries(text, values | inner, max_size=4),
    max_leaves=6,
)


@given(tables)
def test_the_standard_library_reads_back_what_was_written(table):
    assert tomllib.loads(toml.dumps(table)) == table


@given(st.floats(allow_nan=False))
def test_a_float_stays_a_float(number):
    assert isinstance(tomllib.loads(toml.dumps({"x": number}))["x"], float)


def test_what_toml_has_no_value_for_is_refused():
    with pytest.raises(TypeError, match="NoneType is not allowed; TOML has no such value"):
        toml.dumps({"a": None})
