"""Schedules of the KL weight and what of the rate is paid."""

import pytest
import torch

from vae_core.rate_control import SCHEDULES, RateControl

STEPS = 100


def factors(**settings):
    return [float(RateControl(**settings).factor(step, STEPS)) for step in range(STEPS)]


def costs(per_dimension):
    """The KL of two members, and that of each of their dimensions."""
    per = torch.tensor(per_dimension)
    return per.sum(1), per


def test_a_constant_weight_is_always_whole():
    assert set(factors()) == {1.0}


def test_a_linear_weight_rises_over_its_warm_up_and_stays():
    found = factors(schedule="linear", warmup=0.4)
    assert found[0] == 0.0
    assert found[20] == pytest.approx(0.5)
    assert found[40:] == [1.0] * 60
    assert found == sorted(found)


def test_a_cyclical_weight_begins_anew_in_every_cycle():
    found = factors(schedule="cyclical", warmup=0.5, cycles=4)
    assert found[:25] == pytest.approx(found[25:50])
    assert found[25] == 0.0
    assert found[24] == 1.0
    assert found[-1] == 1.0


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_short_trainings_have_weights_between_zero_and_one(schedule, steps):
    control = RateControl(schedule=schedule, warmup=0.01, cycles=3)
    for step in range(steps):
        assert 0 <= float(control.factor(step, steps)) <= 1


@pytest.mark.parametrize("schedule", ["linear", "cyclical"])
def test_a_step_in_a_tensor_is_the_same_step(schedule):
    control = RateControl(schedule=schedule)
    for step in (0, 13, 99):
        from_tensor = control.factor(torch.tensor(step), STEPS)
        assert float(from_tensor) == float(control.factor(step, STEPS))


def test_all_of_the_rate_is_paid_unless_said_otherwise():
    paid = RateControl().paid(*costs([[1.0, 2.0], [0.0, 0.5]]), 0, STEPS)
    assert paid.tolist() == [3.0, 0.5]


def test_free_nats_are_counted_by_dimension():
    paid = RateControl(free_nats=0.75).paid(*costs([[1.0, 2.0], [0.0, 0.5]]), 0, STEPS)
    assert paid.tolist() == [3.0, 1.5]


def test_free_nats_have_no_gradient():
    per = torch.tensor([[0.5, 2.0]], requires_grad=True)
    RateControl(free_nats=1.0).paid(per.sum(1), per, 0, STEPS).sum().backward()
    assert per.grad.tolist() == [[0.0, 1.0]]


def test_the_distance_from_a_rising_capacity_is_paid():
    control = RateControl(capacity_nats=2.0)
    rates = costs([[1.0, 2.0], [0.0, 0.5]])
    assert control.paid(*rates, 0, STEPS).tolist() == [3.0, 0.5]
    assert control.paid(*rates, STEPS - 1, STEPS).tolist() == [1.0, 1.5]
    assert control.paid(*rates, torch.tensor(0), 1).tolist() == [3.0, 0.5]
