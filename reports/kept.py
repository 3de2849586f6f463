"""Figures of unchanged data are not drawn again: their pictures are kept beside the page."""

from __future__ import annotations

import hashlib
import pickle
from functools import partial
from typing import TYPE_CHECKING

import matplotlib as mpl

from reports.files import write_atomically
from reports.freshness import code_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reports.figures import Figure

FOLDER = ".kept"
KEY_DIGITS = 16


class KeptPictures:
    """The pictures of one report, each under a hash of all that it was drawn from.

    Parameters
    ----------
    report
        Folder of the page; pictures lie in `.kept` within it, which may be deleted at any time.
    """

    def __init__(self, report: Path) -> None:
        self._folder = report / FOLDER
        self._code = f"{code_digest()} {mpl.__version__}"

    def get(
        self, figure: Figure, parts: tuple[str, ...], draw: Callable[[], Mapping[str, bytes]]
    ) -> dict[str, bytes]:
        """Pictures of a figure by suffix; calls `draw` for all of them when one is not kept."""
        key = self._key(figure)
        if not key:
            return dict(draw())
        paths = {part: self._folder / f"{figure.slug}-{key}.{part}" for part in parts}
        if all(path.is_file() for path in paths.values()):
            return {part: path.read_bytes() for part, path in paths.items()}
        drawn = dict(draw())
        for old in self._folder.glob(f"{figure.slug}-{'?' * KEY_DIGITS}.*"):
            if key not in old.name:
                old.unlink()
        for part, path in paths.items():
            write_atomically(path, drawn[part])
        return drawn

    def _key(self, figure: Figure) -> str:
        """Hash of the code and of every array that the drawing is given; "" if it hides some."""
        if not isinstance(figure.draw, partial):
            return ""
        given = (figure.draw.func.__qualname__, figure.draw.args, figure.draw.keywords)
        digest = hashlib.sha256(self._code.encode())
        digest.update(pickle.dumps((figure.pictorial, given), protocol=5))
        return digest.hexdigest()[:KEY_DIGITS]
