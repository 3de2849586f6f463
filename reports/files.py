"""Write whole files or nothing: a reader never sees half a page or half a picture."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

DEFAULT_MODE = 0o644


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name[:40]}-", delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), DEFAULT_MODE)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise
