"""What is wrong with a specification, in one line: where, what was given, what is allowed."""

import json
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bench.plan.keys import key_path, key_tree, nearest, nearest_key

__all__ = ["describe", "shown", "unknown_key"]

MAX_SHOWN = 60
MAX_LISTED = 3


def describe(error: ValidationError, source: str, overridden: Collection[str]) -> str:
    """The first error in full, and the keys of the others.

    Parameters
    ----------
    error
        What pydantic found.
    source
        Name of the file the specification was read from.
    overridden
        Paths of the keys given by ``--set``; an error in one of them is blamed on it.
    """
    details = error.errors(include_url=False)
    first = details[0]
    parts = _location(first)
    blamed = "--set" if _key(parts) in overridden else source
    line = f"{blamed}: {key_path(parts)}: {_complaint(first, parts)}"
    others = list(dict.fromkeys(key_path(_location(other)) for other in details[1:]))
    if not others:
        return line
    listed = ", ".join(others[:MAX_LISTED]) + (", …" if len(others) > MAX_LISTED else "")
    return f"{line} (and {len(others)} more: {listed})"


def unknown_key(table: str, key: str) -> str:
    """What to say of a key that does not exist."""
    meant = nearest_key(table, key)
    if meant is not None:
        return f"unknown key; did you mean {meant}?"
    return f"unknown key; known here are {', '.join(key_tree().get(table, key_tree()['']))}"


def shown(value: Any) -> str:
    """A value as TOML would write it, on one line and not too long."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, str | bool):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(shown(item) for item in value[:MAX_LISTED])}"
        text += ", …]" if len(value) > MAX_LISTED else "]"
    elif isinstance(value, int) and value.bit_length() > 256:
        text = "a number of more than 70 digits"
    else:
        text = str(value)
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _location(details: ErrorDetails) -> tuple[int | str, ...]:
    """Where the error is; a rule between keys names the key to blame in its context."""
    key = details.get("ctx", {}).get("key")
    return (*details["loc"], *key.split(".")) if key else details["loc"]


def _key(parts: tuple[int | str, ...]) -> str:
    return ".".join(part for part in parts if isinstance(part, str))


def _complaint(details: ErrorDetails, parts: tuple[int | str, ...]) -> str:
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "missing":
        return "is missing and has no default"
    if kind == "extra_forbidden":
        return unknown_key(_key(parts[:-1]), str(parts[-1]))
    if kind != "not_allowed":
        return f"{shown(given)} is not allowed; a table is"
    line = f"{context.get('given') or shown(given)} is not allowed; {context['allowed']} is"
    meant = nearest(given, context.get("words", ())) if isinstance(given, str) else None
    return f'{line} (did you mean "{meant}"?)' if meant else line
