"""A resolved specification as TOML text: the writer that ``tomllib`` lacks."""

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["dumps"]


def dumps(table: Mapping[str, Any]) -> str:
    """Write a table of strings, numbers, booleans, lists and tables; ``tomllib`` reads it back.

    Raises
    ------
    TypeError
        For any other value: TOML has no null.
    """
    lines = _lines(table, path="")
    return "\n".join(lines).strip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: str) -> list[str]:
    """Plain keys first: whatever follows a table's header belongs to that table."""
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            inner = f"{path}.{_key(key)}" if path else _key(key)
            lines += ["", f"[{inner}]", *_lines(value, inner)]
    return lines


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _string(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    raise TypeError(f"{type(value).__name__} is not allowed; TOML has no such value")


def _string(text: str) -> str:
    """A basic string; JSON's escapes are TOML's but for DEL, which TOML wants escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
