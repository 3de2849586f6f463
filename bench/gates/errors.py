"""The one error of the gate."""

__all__ = ["GateError"]


class GateError(Exception):
    """The gate cannot be asked this; its text is one line: what, where, what is needed."""
