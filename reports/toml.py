"""Write one run's configuration as a spec that runs it alone: the sweep's spec, axes narrowed."""

from __future__ import annotations

import json
import math
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def run_spec(spec_text: str, run: Mapping[str, Any]) -> str:
    """Narrow every axis of a sweep's spec to one run's value; "" for an empty spec.

    An axis that means nothing for the run (a null in its row) keeps the first value of the spec.
    """
    spec = tomllib.loads(spec_text)
    if not spec:
        return ""
    axes = spec.get("sweep", {})
    narrowed = {axis: [_level(run.get(axis), values)] for axis, values in axes.items()}
    return dump({**spec, "sweep": narrowed} if axes else spec)


def dump(document: Mapping[str, Any]) -> str:
    """Write tables of scalars and arrays as TOML: plain keys first, then each table."""
    return "\n".join(_lines(document, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not _nested(value)]
    lines = [f"[{'.'.join(_key(part) for part in path)}]", *plain] if path and plain else plain
    for key, value in table.items():
        if _nested(value):
            lines += ["", *_lines(value, (*path, key))] if lines else _lines(value, (*path, key))
    return lines


def _nested(value: object) -> bool:
    return isinstance(value, dict)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())} }}"
    return str(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _level(value: Any, values: Any) -> Any:
    """The run's value in the type that the spec wrote it in."""
    written = values if isinstance(values, list) else [values]
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return written[0] if written else None
    return next((level for level in written if level == value), value)
