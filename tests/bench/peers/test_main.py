from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from bench.peers.__main__ import main
from bench.peers.protocol import PEERS
from bench.peers.quality import Quality
from bench.peers.rounds import Measurement

APP = typer.Typer()
APP.command()(main)


def test_an_unknown_peer_is_refused():
    result = CliRunner().invoke(APP, ["--only", "keras"])
    assert result.exit_code == 2
    assert "'keras' is unknown" in result.output


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("bench.peers.__main__.installed_version", lambda name: None)
    result = CliRunner().invoke(APP, ["--only", "pythae"])
    assert result.exit_code == 2
    assert "nox -s peers" in result.output


def measured(names, task, *, rounds, threads):
    """One training of each, without training (``test_rounds`` trains)."""
    for index in range(rounds):
        for name in names:
            worth = (Quality(0.02, -40.0),) * PEERS[name].models_on(threads)
            yield Measurement(name, index, len(worth), 2.0, 1.0, worth)


def test_results_are_written_with_all_that_is_needed_to_repeat_them(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.peers.__main__.run_rounds", measured)
    arguments = ["--only", "pytorch", "--rounds", "1", "--epochs", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(APP, arguments)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "peers-1-thread.md").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "peers-1-thread.json").read_text(encoding="utf-8"))
    assert {"torch", "cpu", "started_at", "command", "threads"} <= content["environment"].keys()
    assert [row["peer"] for row in content["table"]] == ["vaebench", "pytorch"]
    assert len(content["measurements"]) == 2
    for row in content["table"]:
        assert row["title"] in page
        assert row["title"] in result.output
