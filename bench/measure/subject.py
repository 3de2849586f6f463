"""One member of a cohort with all that was asked of it: what every family of metrics is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.measure.forward import IMAGES_PER_BLOCK, Answers
from vae_core import Autoencoder, Member, Structure

Floats = NDArray[np.float32]
Values = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Subject:
    """One member and its answers.

    Attributes
    ----------
    model
        The member alone, on the CPU.
    answers
        Its slices of ``Answers``.
    path_images
        ``[pairs, points, P]``, decoded straight lines between test codes.
    """

    structure: Structure
    member: Member
    model: Autoencoder
    answers: Answers
    path_images: Floats

    def decode(self, z: Tensor) -> Tensor:
        """Latents ``[n, D]`` to images ``[n, C, H, W]``."""
        return self.model.decode(z)

    @torch.inference_mode()
    def decoded(self, z: Floats) -> Floats:
        """Latents ``[n, D]`` to flattened images ``[n, P]``, in blocks."""
        blocks = torch.split(torch.from_numpy(z), IMAGES_PER_BLOCK)
        return torch.cat([self.decode(block).flatten(1) for block in blocks]).numpy()
