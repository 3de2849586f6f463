import json

from bench.gates import table
from bench.gates.baseline import entries_of
from bench.gates.judge import judge


def rows(make):
    was = [make["timed"](), make["count"](0), make["seeds"](1.0, 1.1)]
    return judge(entries_of(was), [make["timed"](3.0), make["count"](0), make["seeds"](1.0, 1.1)])


def test_a_line_has_baseline_now_interval_and_verdict(make):
    step = next(line for line in table.plain(rows(make)).splitlines() if "engine/step" in line)
    assert step.split() == ["engine/step", "2", "3", "≤", "2.5", "SLOWER"]


def test_the_summary_counts_what_is_not_ok(make):
    assert table.summary(rows(make)) == "gate: FAIL (2 of 3 figures ok, 1 SLOWER)"
    assert table.summary(rows(make)[1:]) == "gate: pass (2 of 2 figures ok)"


def test_the_page_shows_what_is_wrong_first(make):
    page = table.markdown(rows(make), "Gate").splitlines()
    assert page[:3] == ["## Gate", "", "gate: FAIL (2 of 3 figures ok, 1 SLOWER)"]
    assert page[6] == "| engine/step | 2 | 3 |  | ≤ 2.5 | SLOWER |"
    assert page.count(page[6]) == 2


def test_the_file_for_programs_has_every_row(make, tmp_path):
    table.write(tmp_path / "out", rows(make), title="Gate", provenance={"commit": "c"})
    content = json.loads((tmp_path / "out" / "gate.json").read_text())
    assert content["passes"] is False
    assert content["provenance"] == {"commit": "c"}
    assert [row["verdict"] for row in content["rows"]] == ["SLOWER", "ok", "ok"]
    assert content["rows"][0]["now"]["value"] == 3.0
    assert (tmp_path / "out" / "gate.md").read_text().startswith("## Gate")
