"""What is asked of a data set: where it lies, how large its images are, how many of them.

Knows no data set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vae_core.data.dataset import DataError


@dataclass(frozen=True)
class Request:
    """What a loader may use; None means that nothing was said.

    ``image_size`` is the side of square images. A loader may leave the sizes to
    :meth:`Dataset.subset`; one that draws its images, or reads them one by one, makes only those.
    """

    root: Path | None = None
    image_size: int | None = None
    train_size: int | None = None
    test_size: int | None = None

    def required_root(self, name: str, holds: str) -> Path:
        """Return ``root``.

        Raises
        ------
        DataError
            When it was not given; ``holds`` says what ``name`` would find there.
        """
        if self.root is None:
            raise DataError(f"data.root: not given; {name} needs the {holds}")
        return self.root
