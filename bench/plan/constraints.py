"""What a value of a specification may be: constraints as data, from which checks and messages come.

A constraint has ``allowed``, the phrase that ends an error message ("… is not allowed; a whole
number of at least 1 is"), and ``convert``, which returns the value or raises ``refusal``.
Nothing here knows which key a constraint belongs to.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

__all__ = [
    "Choice",
    "Factory",
    "Flag",
    "Folder",
    "Name",
    "Real",
    "Whole",
    "constrained",
    "distinct",
    "list_of_values",
    "refusal_of",
]

INT64_MAX = 2**63 - 1


def refusal(allowed: str, words: tuple[str, ...] = ()) -> PydanticCustomError:
    """The error that says what is allowed; ``words`` are those a wrong word may have meant."""
    context = {"allowed": allowed, "words": words}
    return PydanticCustomError("not_allowed", "{allowed}", context)


def refusal_of(key: str, given: float | str, allowed: str) -> PydanticCustomError:
    """The same for a rule between keys; to blame is ``key``, a path from where it is raised."""
    context = {"key": key, "given": given, "allowed": allowed}
    return PydanticCustomError("not_allowed", "{allowed}", context)


class Constraint(Protocol):
    """One rule for one value."""

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""

    def convert(self, value: Any) -> Any:
        """Return ``value`` in its final type, or raise ``refusal(self.allowed)``."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer between two bounds; a bool is none."""

    minimum: int
    maximum: int = INT64_MAX

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        if self.maximum == INT64_MAX:
            return f"a whole number of at least {self.minimum}"
        return f"a whole number from {self.minimum} to {self.maximum}"

    def convert(self, value: Any) -> int:
        """Return an int within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise refusal(self.allowed)
        if not self.minimum <= value <= self.maximum:
            raise refusal(self.allowed)
        return value


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number, at least zero or above zero, at most ``highest``; a bool is none."""

    positive: bool = False
    highest: float = math.inf

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        lowest = "a finite number above 0" if self.positive else "a finite number of at least 0"
        return lowest if math.isinf(self.highest) else f"{lowest} and at most {self.highest:g}"

    def convert(self, value: Any) -> float:
        """Return a float; an integer is taken, and -0.0 becomes 0.0 so that equal means equal."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusal(self.allowed)
        try:
            number = float(value)
        except OverflowError:
            raise refusal(self.allowed) from None
        is_low = number < 0 or (self.positive and number == 0)
        if not math.isfinite(number) or is_low or number > self.highest:
            raise refusal(self.allowed)
        return number + 0.0


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        return "true or false"

    def convert(self, value: Any) -> bool:
        """Return a bool."""
        if not isinstance(value, bool):
            raise refusal(self.allowed)
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One word out of a few."""

    options: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        quoted = [f'"{option}"' for option in self.options]
        if len(quoted) == 1:
            return f"only {quoted[0]}"
        return f"{', '.join(quoted[:-1])} or {quoted[-1]}"

    def convert(self, value: Any) -> str:
        """Return one of the options."""
        if not isinstance(value, str) or value not in self.options:
            raise refusal(self.allowed, self.options)
        return value


@dataclass(frozen=True, slots=True)
class Factory:
    """One word out of a few, or where to import the user's own function from."""

    options: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        quoted = ", ".join(f'"{option}"' for option in self.options)
        return f'{quoted} or a function of your own as "package.module:factory"'

    def convert(self, value: Any) -> str:
        """Return an option or a dotted path with one colon; nothing is imported."""
        if not isinstance(value, str):
            raise refusal(self.allowed)
        module, _, factory = value.partition(":")
        dotted = all(part.isidentifier() for part in module.split("."))
        if value not in self.options and not (dotted and factory.isidentifier()):
            raise refusal(self.allowed, self.options)
        return value


@dataclass(frozen=True, slots=True)
class Name:
    """A word that is also a safe folder name."""

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        return "a name of 1 to 64 letters, digits, '.', '_' or '-' that starts with no '.' or '-'"

    def convert(self, value: Any) -> str:
        """Return the name."""
        if not isinstance(value, str) or not re.fullmatch(
            r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", value
        ):
            raise refusal(self.allowed)
        return value


@dataclass(frozen=True, slots=True)
class Folder:
    """The path of a folder; ``~`` stands for the home folder. Whether it exists is not asked."""

    @property
    def allowed(self) -> str:
        """What is allowed, as a noun phrase."""
        return "the path of a folder"

    def convert(self, value: Any) -> Path:
        """Return the path with ``~`` put in full."""
        if not isinstance(value, str | Path) or not str(value) or not str(value).isprintable():
            raise refusal(self.allowed)
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise refusal(self.allowed) from None


def constrained(constraint: Constraint) -> BeforeValidator:
    """A constraint as a pydantic validator."""
    return BeforeValidator(constraint.convert)


def list_of_values(value: Any) -> Any:
    """Refuse what is no list, and the empty list."""
    if not isinstance(value, list | tuple) or not value:
        raise refusal("a list of at least one value")
    return value


def list_that_may_be_empty(value: Any) -> Any:
    """Refuse what is no list."""
    if not isinstance(value, list | tuple):
        raise refusal("a list")
    return value


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list in which a value stands twice: its runs would be one and the same."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise refusal(f"a list without repeats ({value} stands twice)")
        seen.add(value)
    return values
