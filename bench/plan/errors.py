"""The one error of planning."""

__all__ = ["SpecError"]


class SpecError(ValueError):
    """A specification asks for something impossible; its text is one line: where, what, allowed."""
