"""Sweeps that were run in parts, joined run by run."""

import errno
import json
import shutil

import pandas as pd
import pytest

from bench.plan import SweepSpec, expand, load_spec
from bench.results import RunRecord, Store, StoreError, SweepDirectory, SweepDirectoryError
from bench.results.merging import merge


def spec_of(seeds, **sections):
    axes = {"latent_dim": [2], "kl_weight": [0.1], "seed": seeds}
    return SweepSpec.model_validate({"name": "part", "sweep": axes, **sections})


@pytest.fixture
def part(tmp_path, finished):
    """Make a directory of a sweep over some seeds in which every run has finished."""

    def part(folder_name, seeds, *, data_hash="data-hash", mse=0.5, status="ok", **sections):
        spec = spec_of(seeds, **sections)
        with SweepDirectory(tmp_path / folder_name, spec) as directory:
            with Store(directory.store_path) as store:
                for run in expand(spec, data_hash):
                    if status != "ok":
                        store.add([RunRecord(config=run, status=status, reason="no luck")])
                        continue
                    with directory.new_artifact(run.run_id) as folder:
                        (folder / "model.safetensors").write_text(folder_name)
                    store.add([finished(run, test_mse=mse)])
            directory.write_environment({"cpu": f"of {folder_name}"})
        return tmp_path / folder_name

    return part


def test_two_parts_are_the_whole(part, tmp_path):
    out = tmp_path / "all"
    merged = merge([part("a", [3, 0]), part("b", [1, 2])], out)
    assert merged.counts == {"cpu": {"ok": 8}}
    assert list(merged.taken.values()) == [4, 4]
    spec = load_spec(out / "spec.toml")
    assert spec.sweep.seed == (0, 1, 2, 3)
    with Store(out / "results.sqlite", read_only=True) as store:
        assert store.pending(expand(spec, "data-hash")) == []
        assert sum(len(batch) for batch in store.curves()) == 16
    assert len(pd.read_parquet(out / "results.parquet")) == 8
    assert len(list((out / "artifacts").iterdir())) == 8
    environment = json.loads((out / "environment.json").read_text())
    assert environment["cpu"] == "of a"
    assert environment["merged_from"] == f"{tmp_path / 'a'}, {tmp_path / 'b'}"


def test_what_is_there_twice_counts_once_and_the_first_that_finished_wins(part, tmp_path):
    out = tmp_path / "all"
    failed = part("failed", [0], status="failed")
    merged = merge([failed, part("a", [0], mse=0.1), part("b", [0, 1], mse=0.2)], out)
    assert list(merged.taken.values()) == [2, 2, 2]
    table = pd.read_parquet(out / "results.parquet")
    assert table.groupby("seed").test_mse.unique().to_dict() == {0: [0.1], 1: [0.2]}
    assert table.status.tolist() == ["ok"] * 4
    written = {f.read_text() for f in (out / "artifacts").glob("*/model.safetensors")}
    assert written == {"a", "b"}


def test_again_changes_nothing(part, tmp_path):
    parts = [part("a", [0]), part("b", [1])]
    merge(parts, tmp_path / "all")
    assert list(merge(parts, tmp_path / "all").taken.values()) == [0, 0]


def test_names_and_places_of_the_data_may_differ(part, tmp_path):
    a = part("a", [0], name="here", data={"name": "mnist", "root": "/here"})
    b = part("b", [1], name="there", data={"name": "mnist", "root": "/there"})
    merge([a, b], tmp_path / "all")
    spec = load_spec(tmp_path / "all" / "spec.toml")
    assert (spec.name, str(spec.data.root)) == ("here", "/here")


def test_another_sweep_is_refused_before_anything_is_written(part, tmp_path):
    a, b = part("a", [0]), part("b", [1], training={"epochs": 7})
    with pytest.raises(SweepDirectoryError, match=r"b: is another sweep than .*a: training\.ep"):
        merge([a, b], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_runs_on_other_data_are_refused(part, tmp_path):
    with pytest.raises(StoreError, match="holds runs on other data"):
        merge([part("a", [0]), part("b", [1], data_hash="other")], tmp_path / "all")


def test_a_part_in_which_a_sweep_runs_is_refused(part, tmp_path):
    a = part("a", [0])
    with (
        SweepDirectory(a, spec_of([0])),
        pytest.raises(SweepDirectoryError, match=r"a: in use by process \d+ on host"),
    ):
        merge([a, part("b", [1])], tmp_path / "all")


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(part, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", target)

    a, out = part("a", [0]), tmp_path / "all"
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(SweepDirectoryError, match="no space left on device; free some space"):
            merge([a], out)
    assert list(merge([a], out).taken.values()) == [2]
    assert len(list((out / "artifacts").iterdir())) == 2


def test_what_has_no_results_is_refused(tmp_path):
    with pytest.raises(SweepDirectoryError, match=r"nowhere: is no sweep directory with results"):
        merge([tmp_path / "nowhere"], tmp_path / "all")
