"""The keys a specification has, read off its models, and the one somebody probably meant."""

import difflib
import re
from collections.abc import Iterable
from functools import cache

from pydantic import BaseModel

from bench.plan.spec import SweepSpec

__all__ = ["key_path", "key_tree", "nearest", "nearest_key"]


@cache
def key_tree() -> dict[str, tuple[str, ...]]:
    """Keys of each table by its name; the top level, under ``""``, lists its tables too."""
    tree: dict[str, tuple[str, ...]] = {"": tuple(SweepSpec.model_fields)}
    for name, field in SweepSpec.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            tree[name] = tuple(section.model_fields)
    return tree


def key_path(parts: Iterable[int | str]) -> str:
    """The printable path of a value, such as ``sweep.latent_dim[0]``."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            bare = part if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", part) else ascii(part[:64])
            path += f".{bare}" if path else bare
    return path


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that ``word`` is probably a slip of, if any."""
    matches = difflib.get_close_matches(word[:64].lower(), list(words), n=1, cutoff=0.6)
    return matches[0] if matches else None


def nearest_key(table: str, key: str) -> str | None:
    """Path of the key probably meant by ``key`` in ``table``: one of its own, or one elsewhere."""
    tree = key_tree()
    here = nearest(key, tree.get(table, ()))
    if here is not None:
        return f"{table}.{here}" if table else here
    homes = {name: section for section, names in tree.items() if section for name in names}
    elsewhere = nearest(key, homes)
    return f"{homes[elsewhere]}.{elsewhere}" if elsewhere is not None else None
