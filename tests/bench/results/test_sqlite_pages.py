"""Records read from pages are those that SQLite put there."""

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.results.sqlite_pages import records

numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9000)
values = st.none() | numbers | text | st.binary(max_size=9000)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(values, values), max_size=30), page=st.sampled_from([512, 4096, 65536])
)
def test_what_was_written_is_read(tmp_path, rows, page):
    path = tmp_path / "a.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA page_size = {page}")
    connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, a, b) WITHOUT ROWID")
    keyed = [(key, *row) for key, row in enumerate(rows)]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", keyed)
    connection.commit()
    connection.close()
    assert sorted(records(path.read_bytes())) == keyed


@given(st.binary(max_size=3000))
def test_anything_else_gives_records_or_none_and_no_error(junk):
    header = b"SQLite format 3\0" + (512).to_bytes(2, "big") + bytes(82)
    list(records(junk))
    list(records(header + bytes(412) + b"\x0a" + junk))
    list(records(header + bytes(412) + b"\x02" + junk))


def test_pages_that_lead_to_themselves_end():
    """One cell of 65,000 bytes in a file of three pages, the last of which goes on at itself."""
    length, header = b"\x83\xfb\x68", b"\x04\x87\xf7\x54"  # one blob after a header of four bytes
    cell = length + header
    leaf = b"\x0a" + bytes(2) + (1).to_bytes(2, "big") + bytes(3) + (100).to_bytes(2, "big")
    leaf = leaf.ljust(100, b"\0") + cell
    spread = 39 + (65_000 - 39) % 508  # of the payload, in the page itself
    local = spread if spread <= 102 else 39
    leaf = (leaf.ljust(100 + 3 + local, b"\0") + (3).to_bytes(4, "big")).ljust(512, b"\0")
    first = b"SQLite format 3\0" + (512).to_bytes(2, "big") + bytes(494)
    assert list(records(first + leaf + (3).to_bytes(4, "big") + bytes(508))) == []


@pytest.mark.parametrize("content", [b"", bytes(99), bytes(100_000)])
def test_what_has_no_pages_has_no_records(content):
    assert list(records(content)) == []
