"""A damaged store is set aside and read as far as it goes; what comes out was put in."""

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.plan import SweepSpec, expand
from bench.results import Curves, Store, StoreError
from bench.results.recovery import open_or_recover, recover, repair
from bench.results.sqlite_pages import with_log

PAGE = 4096


@pytest.fixture(scope="module")
def many():
    spec = SweepSpec.model_validate({"name": "s", "sweep": {"seed": [*range(40)]}})
    return expand(spec, "data-hash")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.sqlite"


@pytest.fixture
def content(path, many, finished_in_full):
    """The bytes of a store of 80 finished runs, 2 kB each, so that they fill many pages."""
    with Store(path) as store:
        store.add(finished_in_full(run) for run in many)
    return path.read_bytes()


@pytest.fixture
def finished_in_full(finished):
    """Records whose curves are as long as their runs are."""

    def record(run):
        curves = Curves((1.5,) * run.epochs, (1.25,) * run.epochs)
        return replace(finished(run, test_mse=0.5, metric_notes="x" * 2000), curves=curves)

    return record


def stored(path):
    with Store(path, read_only=True) as store:
        return {str(run.value("run_id")): run for run in store.stored()}


def test_a_sound_store_is_opened_as_it_is(path, content, many):
    said = []
    with open_or_recover(path, said.append) as store:
        assert store.pending(many) == []
    assert said == []
    assert [f.name for f in path.parent.iterdir()] == ["results.sqlite"]


def test_a_truncated_store_is_set_aside_and_what_is_left_is_kept(path, content, many):
    whole = stored(path)
    path.write_bytes(content[: len(content) * 3 // 4])
    said = []
    with open_or_recover(path, said.append) as store:
        kept = store.statuses()
    assert 0 < len(kept) < len(many)
    assert set(kept.values()) == {"ok"}
    (line,) = said
    assert line == (
        f"{path} was damaged; it lies in results.sqlite.damaged-1 now, "
        f"{len(kept)} runs could be read"
    )
    aside = path.with_name("results.sqlite.damaged-1")
    assert aside.read_bytes() == content[: len(content) * 3 // 4]
    for run_id, run in stored(path).items():
        was = whole[run_id]
        assert set(run.curves) <= set(was.curves)
        assert run.value("test_mse") == was.value("test_mse")
        if run != was:
            note = "points of its curves recovered from a damaged store"
            assert str(run.value("training_notes")).endswith(note)


@pytest.mark.parametrize(
    ("where", "name"),
    [(Store, "restore"), (shutil, "copyfile"), (Path, "rename"), (Path, "replace")],
    ids=["reading", "copying", "log", "place"],
)
def test_a_recovery_that_is_cut_short_is_begun_again(path, content, many, monkeypatch, where, name):
    damaged = content[: len(content) * 3 // 4]
    path.write_bytes(damaged)

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, name, killed)
        with pytest.raises(KeyboardInterrupt):
            recover(path)
    assert path.read_bytes() == damaged
    with open_or_recover(path, lambda line: None) as store:
        assert 0 < len(store.statuses()) < len(many)


def test_a_lost_page_in_the_middle_costs_the_runs_on_it_alone(path, content, many):
    damaged = bytearray(content)
    start = len(content) // PAGE // 2 * PAGE
    damaged[start : start + PAGE] = bytes(PAGE)
    path.write_bytes(bytes(damaged))
    recover(path)
    assert 0 <= len(many) - len(stored(path)) <= 10


def test_a_table_whose_root_is_lost_costs_the_runs_on_that_page(path, content, many):
    path.write_bytes(content[:PAGE] + bytes(PAGE) + content[2 * PAGE :])
    recover(path)
    assert len(stored(path)) >= len(many) - 10


def test_what_is_no_store_at_all_is_set_aside_too(path):
    path.write_bytes(b"run_id,status\n" * 100)
    with open_or_recover(path, print) as store:
        assert store.statuses() == {}
    assert path.with_name("results.sqlite.damaged-1").read_bytes() == b"run_id,status\n" * 100


@pytest.mark.parametrize("left", ["log", "header and log", "log cut short"])
def test_a_store_that_lost_its_file_but_not_its_log_is_read_from_the_log(
    path, many, finished_in_full, tmp_path, left
):
    lost = tmp_path / "lost" / path.name
    lost.parent.mkdir()
    with Store(path) as store:
        for run in many[:20]:
            store.add([finished_in_full(run)])
        log = path.with_name(path.name + "-wal").read_bytes()
    lost.write_bytes(b"")
    expected = 20
    if left == "header and log":
        log = log[:32]
        expected = 0
    elif left == "log cut short":
        log = log[:-3_000]
        expected = 19
    lost.with_name(path.name + "-wal").write_bytes(log)
    said = []
    with open_or_recover(lost, said.append) as store:
        assert len(many) - len(store.pending(many)) == expected
    assert f"{expected} runs could be read" in said[0]
    assert lost.with_name(f"{path.name}.damaged-1-wal").read_bytes() == log


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_log_with_any_damage_is_read_as_far_as_it_goes(path, many, finished_in_full, data):
    path.unlink(missing_ok=True)
    with Store(path) as store:
        store.add(map(finished_in_full, many[:3]))
        log = bytearray(path.with_name(path.name + "-wal").read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        log[data.draw(st.integers(0, len(log) - 1))] = data.draw(st.integers(0, 255))
    assert len(with_log(b"", bytes(log))) <= len(log)


def test_a_second_damage_does_not_overwrite_the_first(path):
    for number in (1, 2):
        path.write_bytes(b"x" * 100 * number)
        open_or_recover(path, print).close()
    assert path.with_name("results.sqlite.damaged-1").read_bytes() == b"x" * 100
    assert path.with_name("results.sqlite.damaged-2").read_bytes() == b"x" * 200


def test_another_programs_file_is_refused_and_stays(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (a)")
    connection.close()
    with pytest.raises(StoreError, match="is no store of vaebench"):
        open_or_recover(path, print)
    assert [f.name for f in path.parent.iterdir()] == ["results.sqlite"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET config = replace(config, '0.1', '0.2') WHERE run_id = ?",
        "UPDATE runs SET test_mse = 'high' WHERE run_id = ?",
        "UPDATE runs SET status = 'great' WHERE run_id = ?",
    ],
)
def test_a_run_that_does_not_agree_with_itself_is_not_taken(path, many, finished_in_full, change):
    run = next(run for run in many if run.kl_weight == 1.0)
    with Store(path) as store:
        store.add([finished_in_full(run), finished_in_full(many[0])])
    connection = sqlite3.connect(path)
    changed = change.replace("'0.1', '0.2'", "'\"seed\":', '\"seed\":1'")
    assert connection.execute(changed, (run.run_id,)).rowcount == 1
    connection.commit()
    connection.close()
    recover(path)
    assert set(stored(path)) == {many[0].run_id}


def test_repair_says_what_it_found(path, content):
    assert repair(path) == f"{path} is sound"
    path.write_bytes(content[: len(content) // 2])
    assert repair(path).startswith(f"{path} was damaged; it lies in results.sqlite.damaged-1")
    assert repair(path) == f"{path} is sound"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_the_damage_a_run_that_comes_out_was_put_in(path, content, many, data):
    """Any bytes anywhere: the store opens, or is set aside and opens, or is refused on one line."""
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        junk = data.draw(st.binary(min_size=1, max_size=64) | st.just(bytes(PAGE)))
        damaged[start : start + len(junk)] = junk
    end = data.draw(st.integers(0, len(damaged)) | st.just(len(damaged)))
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(bytes(damaged[:end]))
    with suppress(StoreError), open_or_recover(path, lambda line: None) as store:
        # A refusal: its mark of what program wrote it may be what was hit.
        assert set(store.statuses()) <= {run.run_id for run in many}
