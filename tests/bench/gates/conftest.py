"""Figures of every kind, made by hand."""

import pytest

from bench.gates.records import Absent, ClosedForm, Count, Seeds, Timed


def timed(ratio=2.0, name="engine/step", tolerance=1.25):
    return Timed(
        name=name,
        node="t.py::test_step",
        seconds=(ratio,) * 3,
        beside_seconds=(1.0,) * 4,
        tolerance=tolerance,
    )


def seeds(*values, resolution=0.0):
    return Seeds(name="quality/sweep ae mse", node="t.py::q", values=values, resolution=resolution)


def count(value, tolerance=1.0):
    return Count(name="counts/epoch reads", node="t.py::c", value=value, tolerance=tolerance)


def closed_form(value, expected=1.0, tolerance=0.01):
    return ClosedForm(
        name="quality/kl nats", node="t.py::k", value=value, expected=expected, tolerance=tolerance
    )


def absent(kind, reason="said so"):
    return Absent(name="engine/step", node="t.py::test_step", kind=kind, reason=reason)


@pytest.fixture
def make():
    """Makers of figures by kind."""
    return {
        "timed": timed,
        "seeds": seeds,
        "count": count,
        "closed-form": closed_form,
        "absent": absent,
    }
