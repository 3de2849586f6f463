"""``--set path=value``: single keys of a specification changed from the command line."""

import tomllib
from collections.abc import Iterable
from typing import Any

from bench.plan.diagnosis import shown, unknown_key
from bench.plan.errors import SpecError
from bench.plan.keys import key_path, key_tree

__all__ = ["apply_overrides"]


def apply_overrides(table: dict[str, Any], overrides: Iterable[str]) -> set[str]:
    """Set each ``path=value`` in ``table``, in order; a later one wins.

    The value is TOML; what is no TOML is taken as a bare word, so that
    ``--set data.root=/data/mnist`` needs no second pair of quotes.

    Returns
    -------
    set of str
        The paths that were set.

    Raises
    ------
    SpecError
        If an override has no ``=``, its path names no key, or its value opens a TOML list,
        table or string and does not finish it.
    """
    paths = set()
    for override in overrides:
        path, equals, text = override.partition("=")
        path = path.strip()
        if not equals or not path:
            raise SpecError(f"--set: {shown(override)} is not allowed; KEY=VALUE is")
        section, key = _locate(path)
        target = table.setdefault(section, {}) if section else table
        if isinstance(target, dict):  # otherwise the file is wrong, and validation says so
            target[key] = _parse(path, text.strip())
        paths.add(path)
    return paths


def _locate(path: str) -> tuple[str, str]:
    """The table and the key of a path that exists."""
    section, _, key = path.rpartition(".")
    tree = key_tree()
    if path in tree:
        raise SpecError(
            f"--set: {path}: is a table; name a key in it, such as {path}.{tree[path][0]}"
        )
    if key not in tree.get(section, ()):
        raise SpecError(f"--set: {key_path(path.split('.'))}: {unknown_key(section, key)}")
    return section, key


def _parse(path: str, text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        parsed = {}
    if list(parsed) == ["value"]:
        return parsed["value"]
    if text.startswith(("[", "{", '"', "'")):
        raise SpecError(f"--set: {path}: {shown(text)} is no complete TOML value")
    return text
