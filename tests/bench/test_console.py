"""What a sweep says: plain lines in a log, one live line on a terminal."""

import io
import os
import pty
import re
from pathlib import Path

import pytest

from bench.console import Console, SweepOutcome, TerminalConsole, console_for, duration, table
from bench.plan import Plan, expand, group, load_spec


@pytest.fixture
def plan():
    spec = load_spec()
    runs = expand(spec, "h")
    here = [run for run in runs if run.device == "cpu"]
    return Plan(spec, tuple(runs), tuple(group(here)), {"cuda": "no CUDA device"})


def outcome(failed=0, report=Path("runs/digits/report/index.html")):
    return SweepOutcome(
        directory=Path("runs/digits"), ok=105 - failed, failed=failed, skipped=105, report=report
    )


def play(console, plan, failed=0):
    """A whole sweep as the pipeline tells it."""
    console.plan(plan)
    console.started(total=105, done=0)
    for cohort in plan.cohorts:
        console.cohort_finished(cohort, ok=len(cohort) - failed, failed=failed, seconds=1.0)
    console.stage("measuring throughput")
    console.done(outcome(failed))


def test_a_log_has_one_line_a_cohort_and_ends_with_the_report(plan):
    stream = io.StringIO()
    play(Console(stream), plan)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [
        "digits: 105 runs to train, together in 10 cohorts",
        "skipped: 105 other runs (cuda: no CUDA device)",
    ]
    assert lines[2].startswith("[10/105] ae+vae latent 2 cpu, 10 runs: 10 ok in 1.0 s, ")
    assert lines[11].startswith("[105/105] vae latent 32 cpu, 11 runs: 11 ok in 1.0 s, 0 s left")
    assert lines[12:] == [
        "measuring throughput",
        "105 ok, 105 skipped in runs/digits",
        "report: runs/digits/report/index.html",
    ]


def test_failures_are_counted_and_where_to_read_of_them_is_said(plan):
    stream = io.StringIO()
    play(Console(stream), plan, failed=2)
    assert "11 runs: 9 ok, 2 failed in" in stream.getvalue()
    assert "why they failed: python -m bench status runs/digits\n" in stream.getvalue()


def test_a_resumed_sweep_says_what_is_there(plan):
    stream = io.StringIO()
    console = Console(stream)
    console.started(total=105, done=94)
    console.cohort_finished(plan.cohorts[-1], ok=11, failed=0, seconds=2.0)
    assert stream.getvalue().startswith("94 of 105 runs are there already\n[105/105] ")


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (1, 1)])
def test_a_failed_run_decides_the_exit_code(failed, code):
    assert outcome(failed).exit_code == code


@pytest.fixture
def terminal(monkeypatch):
    """A stream that is a terminal, and a function that returns the text written to it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    reading, writing = pty.openpty()
    stream = os.fdopen(writing, "w", encoding="utf-8")

    def written() -> str:
        stream.close()
        parts = []
        while True:
            try:
                part = os.read(reading, 65536)
            except OSError:  # Linux says EIO at the end of a terminal
                break
            if not part:
                break
            parts.append(part)
        os.close(reading)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode())

    return stream, written


def test_a_terminal_shows_runs_done_rate_and_time_left(plan, terminal):
    stream, written = terminal
    console = console_for(stream)
    assert isinstance(console, TerminalConsole)
    console.plan(plan)
    console.started(total=105, done=0)
    for cohort in plan.cohorts:
        console.cohort_finished(cohort, ok=21, failed=0, seconds=1.0)
    console.done(outcome())
    text = written()
    assert re.search(r"105/105 runs .* runs/s 0 s left training", text)
    assert "[21/105]" not in text
    assert text.splitlines()[-2:] == [
        "105 ok, 105 skipped in runs/digits",
        "report: runs/digits/report/index.html",
    ]


def test_a_stage_takes_the_label_of_the_live_line(plan, terminal):
    stream, written = terminal
    play(console_for(stream), plan)
    assert re.search(r"105/105 runs .* measuring throughput", written())


def test_a_cohort_with_failures_leaves_a_line_on_a_terminal(plan, terminal):
    stream, written = terminal
    play(console_for(stream), plan, failed=1)
    assert "[10/105] ae+vae latent 2 cpu, 10 runs: 9 ok, 1 failed" in written()


def test_a_stream_that_is_no_terminal_gets_plain_lines():
    assert type(console_for(io.StringIO())) is Console


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_a_duration_as_somebody_would_say_it(seconds, text):
    assert duration(seconds) == text


def test_a_table_without_rows_is_its_header():
    assert table(("device", "ok"), []) == "device  ok"


def test_a_table_sets_numbers_to_the_right():
    assert table(("device", "ok"), [("cpu", 5), ("cuda", 105)]) == (
        "device   ok\ncpu       5\ncuda    105"
    )
