"""What every executor promises: one outcome a cohort, the same results, errors that stay apart."""

import numpy as np
import pytest

from bench.executors import LocalExecutor, PoolExecutor, RayExecutor
from bench.measure.cohort import CohortWork
from bench.measure.reference import load_reference
from bench.plan import SweepSpec, expand, group

EXECUTORS = {
    "local": LocalExecutor,
    "pool": lambda: PoolExecutor(2),
    "ray": lambda: RayExecutor("cpu"),
}
RAISES = 101


def is_clock_or_place(name):
    return name in {"train_seconds", "executor"}


@pytest.fixture(scope="module")
def spec() -> SweepSpec:
    return SweepSpec.model_validate(
        {
            "name": "small",
            "data": {"train_size": 96, "test_size": 32},
            "model": {"hidden": [8]},
            "sweep": {"latent_dim": [2, RAISES, 3], "kl_weight": [0.1]},
            "training": {"epochs": 2, "batch_size": 24},
            "metrics": {"probes": False, "geometry": False, "disentanglement": False},
        }
    )


@pytest.fixture(scope="module")
def cohorts(spec):
    data_hash = load_reference(spec.data, spec.metrics).dataset.content_hash
    return group(expand(spec, data_hash))


@pytest.fixture(scope="module")
def work_of(spec, importable):
    """Real work under an executor's name, which fails on one of the three cohorts."""
    from cohort_functions import Troubled

    return lambda name: Troubled(CohortWork(spec.data, spec.metrics, name))


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request, importable):
    if request.param == "ray":
        request.getfixturevalue("two_nodes")
    return EXECUTORS[request.param]()


@pytest.fixture(scope="module")
def outcomes(executor, cohorts, work_of):
    found = list(executor.run(cohorts, work_of(executor.name)))
    return {outcome.cohort: outcome for outcome in found}, found


@pytest.fixture(scope="module")
def expected(cohorts, work_of):
    """Results of the two cohorts that work, without any executor."""
    work = work_of("none")
    return {cohort: work(cohort) for cohort in cohorts if cohort.latent_dim != RAISES}


def test_every_cohort_has_exactly_one_outcome(outcomes, cohorts):
    by_cohort, found = outcomes
    assert len(found) == len(cohorts) == 3
    assert set(by_cohort) == set(cohorts)


def test_results_do_not_depend_on_the_executor(outcomes, expected, executor):
    by_cohort, _ = outcomes
    for cohort, results in expected.items():
        outcome = by_cohort[cohort]
        assert outcome.error is None
        assert outcome.seconds > 0
        for found, result in zip(outcome.results, results, strict=True):
            row, wanted = found.record.row(), result.record.row()
            assert row["executor"] == executor.name
            for name, value in wanted.items():
                if isinstance(value, float) and not is_clock_or_place(name):
                    assert row[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
                elif not is_clock_or_place(name):
                    assert row[name] == value, name
            np.testing.assert_allclose(found.record.curves.loss, result.record.curves.loss, 1e-5)
            np.testing.assert_allclose(
                found.pictures["codes"], result.pictures["codes"], rtol=1e-3, atol=1e-4
            )


def test_an_error_is_handed_on_and_leaves_the_other_cohorts_alone(outcomes):
    by_cohort, found = outcomes
    (failed,) = [outcome for outcome in found if outcome.cohort.latent_dim == RAISES]
    assert failed.results is None
    assert type(failed.error) is ArithmeticError
    assert str(failed.error) == "no luck with 101 dimensions"
    assert sum(outcome.results is not None for outcome in by_cohort.values()) == 2


def test_no_cohorts_are_no_outcomes(executor, work_of):
    assert list(executor.run([], work_of(executor.name))) == []


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("raise_untransportable", "RuntimeError: UntransportableError: this: no reason"),
        ("ask_to_exit", "RuntimeError: SystemExit: 3"),
    ],
)
def test_whatever_a_users_network_raises_is_an_error_of_its_cohort(
    executor, cohorts, function, reason, importable
):
    import cohort_functions

    (outcome,) = executor.run(cohorts[:1], getattr(cohort_functions, function))
    assert f"{type(outcome.error).__name__}: {outcome.error}" == reason


def test_cohorts_that_end_early_are_all_that_is_done(executor, cohorts):
    from cohort_functions import answer

    (outcome,) = executor.run(iter(cohorts[:1]), answer)
    assert outcome.cohort == cohorts[0]
