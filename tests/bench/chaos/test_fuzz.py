"""Any specification runs, is skipped with reasons, or is refused in one line; and that the check
would notice another end.
"""

import sys
import tomllib

import pytest
import typer
from hypothesis import HealthCheck, given, settings

from bench.chaos.fuzz import fuzz_plans, fuzz_runs, plan, train
from bench.chaos.specs import any_text, tiny_tables, to_text

in_one_folder = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=200, **in_one_folder)
@given(any_text)
def test_any_text_is_laid_out_or_refused_in_one_line(folder, text):
    plan(text, folder)


@pytest.mark.slow
@settings(max_examples=10, **in_one_folder)
@given(tiny_tables())
def test_any_tiny_sweep_runs_or_is_refused_in_one_line(tmp_path_factory, table):
    train(table, tmp_path_factory.mktemp("run"))


def test_possible_and_impossible_specifications_are_tried(folder):
    verdicts = fuzz_plans(150, folder, seed=1).verdicts
    assert verdicts["done"] >= 10
    assert verdicts["refused"] >= 50


def a_bug(*arguments, **options):
    raise ValueError("a bug")


def test_a_bug_is_no_refusal(folder, monkeypatch):
    monkeypatch.setattr("bench.pipeline.plan_sweep", a_bug)
    with pytest.raises(AssertionError, match=r'(?s)name = "s".*exit code 1.*ValueError: a bug'):
        plan('name = "s"', folder)
    assert len(fuzz_plans(100, folder, seed=1).bugs) >= 10


def test_a_refusal_of_two_lines_is_a_bug(folder, monkeypatch):
    def refuse(message):
        print("error: this\nerror: and that", file=sys.stderr)  # noqa: T201
        raise typer.Exit(2)

    monkeypatch.setattr("bench.request_errors._refuse", refuse)
    with pytest.raises(AssertionError, match="exit code 2: error: this"):
        plan("name = 3", folder)


def test_a_run_that_fails_for_a_bug_is_a_bug(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.cohort.train_cohort", a_bug)
    table = {"name": "s", "sweep": {"objective": ["ae"]}, "training": {"epochs": 1}}
    with pytest.raises(AssertionError, match="a run failed: ValueError: a bug"):
        train(table, tmp_path)


def test_what_is_written_is_toml(folder):
    table = {"name": "a\x7f\n", "sweep": {"seed": [1, {"é": True}], "x": float("inf")}, "y": {}}
    assert tomllib.loads(to_text(table)) == table


@pytest.mark.slow
def test_fuzzed_runs_are_counted(folder):
    fuzzed = fuzz_runs(3, folder, seed=0)
    assert (sum(fuzzed.verdicts.values()), fuzzed.bugs) == (3, [])
