import json

import pytest

from bench.gates import baseline
from bench.gates.baseline import MachineBaseline, entries_of
from bench.gates.errors import GateError

HERE = "linux-x86_64-amd-avx2"


@pytest.fixture
def path(tmp_path, make):
    path = tmp_path / "baseline.json"
    entries = entries_of([make["timed"](), make["seeds"](1.0, 2.0)])
    baseline.update(path, HERE, MachineBaseline(provenance={"commit": "c"}, entries=entries))
    return path


def test_an_entry_of_times_spans_its_processes(make):
    entry = entries_of([make["timed"](ratio) for ratio in (2.0, 2.4, 2.1)])["engine/step"]
    assert (entry.value, entry.low, entry.high) == (2.1, 2.0, 2.4)
    assert (entry.tolerance, entry.samples) == (1.25, 3)


def test_an_entry_of_a_closed_form_has_the_range_of_theory(make):
    (entry,) = entries_of([make["closed-form"](1.001, expected=2.0)]).values()
    assert (entry.value, entry.low, entry.high) == (1.001, 1.98, 2.02)


def test_what_is_exact_is_not_rounded(make):
    (entry,) = entries_of([make["count"](12_345_678)]).values()
    assert entry.value == 12_345_678
    (entry,) = entries_of([make["closed-form"](3.14159265, expected=3.14159266)]).values()
    assert entry.value == 3.14159265


def test_what_is_written_is_read(path):
    machine = baseline.read(path, HERE)
    assert machine.provenance == {"commit": "c"}
    assert set(machine.entries) == {"engine/step", "quality/sweep ae mse"}


def test_another_class_of_machine_is_added_beside(path, make):
    other = MachineBaseline(provenance={}, entries=entries_of([make["timed"](3.0)]))
    baseline.update(path, "darwin-arm64", other)
    assert baseline.read(path, "darwin-arm64") == other
    assert len(baseline.read(path, HERE).entries) == 2
    assert baseline.common_names(path, path.read_text()) == {"engine/step"}


def edited(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def first_entry(content):
    return content["machines"][HERE]["entries"]["engine/step"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.unlink(), "no baseline; --update-baseline writes one"),
        (lambda p: p.write_text(p.read_text()[:-40]), "is damaged (Expecting"),
        (lambda p: p.write_text(""), "is damaged (Expecting value"),
        (lambda p: p.write_bytes(b"\xff\xfe{}"), "is damaged ('utf-8'"),
        (lambda p: p.write_text("[]"), "has schema version None, this program reads 1"),
        (lambda p: edited(p, lambda c: c.update(schema_version=2)), "has schema version 2"),
        (lambda p: edited(p, lambda c: c.pop("machines")), "is damaged (machines: field required"),
        (
            lambda p: edited(p, lambda c: first_entry(c).update(value="2")),
            f"is damaged (machines.{HERE}.entries.engine/step.value: input should be a valid num",
        ),
        (
            lambda p: p.write_text(p.read_text().replace("2.0", "NaN", 1)),
            "is damaged (",
        ),
        (
            lambda p: edited(p, lambda c: c["machines"].update(other=c["machines"].pop(HERE))),
            f"has no baseline of machines of class {HERE}; it has other;",
        ),
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(path, spoil, says):
    spoil(path)
    with pytest.raises(GateError) as refusal:
        baseline.read(path, HERE)
    assert str(refusal.value).startswith(f"{path}: {says}")
    assert "\n" not in str(refusal.value)


def test_a_file_of_another_schema_is_not_written_over(path, make):
    edited(path, lambda c: c.update(schema_version=9))
    before = path.read_text()
    with pytest.raises(GateError, match="schema version 9"):
        baseline.update(path, HERE, MachineBaseline(provenance={}, entries={}))
    assert path.read_text() == before
