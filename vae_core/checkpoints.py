"""Weights on disk: safetensors with the structure beside them. Nothing is ever unpickled or
imported from a file.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize

from vae_core.likelihoods import LIKELIHOODS
from vae_core.model import Autoencoder, Structure, autoencoder, initial_networks
from vae_core.networks import ARCHITECTURES, ArchitectureError, Factory
from vae_core.objectives import OBJECTIVES
from vae_core.posteriors import PARAMETERS

METADATA_KEY = "vaebench"


class CheckpointError(ValueError):
    """A file is not a model this package wrote, or needs a factory that was not given."""


def to_bytes(model: Autoencoder, structure: Structure, objective: str) -> bytes:
    """Content of a safetensors file: one run's weights and what is needed to build its networks."""
    metadata = {**asdict(structure), "objective": objective}
    # Copies, because the format refuses weights that layers share.
    tensors = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in model.state_dict().items()
    }
    return serialize(tensors, metadata={METADATA_KEY: json.dumps(metadata)})


def load(path: str | Path, *, factory: Factory | None = None) -> Autoencoder:
    """Return the model saved at ``path``, on the CPU, ready to ``encode``, ``decode`` and
    ``sample``.

    Parameters
    ----------
    factory
        Needed for a user's own architecture: the callable that was named in the spec. A file cannot
        name code to run.

    Raises
    ------
    CheckpointError
        When the file cannot be read, is not one of ours, or needs a factory that was not given.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            described = (file.metadata() or {}).get(METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read as safetensors: {error}") from error
    structure, objective = _structure(path, described)

    chosen = factory or ARCHITECTURES.get(structure.architecture)
    if chosen is None:
        raise CheckpointError(
            f"{path}: trained with {structure.architecture!r}; pass that callable as factory="
        )
    try:
        encoder, decoder = initial_networks(structure, 0, chosen)
    except ArchitectureError as error:
        raise CheckpointError(f"{path}: its networks cannot be built: {error}") from error
    model = autoencoder(structure, objective, encoder, decoder)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())  # torch writes several lines
        raise CheckpointError(f"{path}: the weights do not fit the networks: {reason}") from error
    return model.eval()


def _structure(path: Path, described: str | None) -> tuple[Structure, str]:
    try:
        values = json.loads(described or "")
        structure = Structure(
            architecture=str(values["architecture"]),
            hidden=tuple(map(int, values["hidden"])),
            image_shape=tuple(map(int, values["image_shape"])),
            latent_dim=int(values["latent_dim"]),
            likelihood=str(values["likelihood"]),
            posterior=str(values["posterior"]),
        )
        objective = str(values["objective"])
    # OverflowError: JSON as Python reads it has an infinity. RecursionError: it may be nested.
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path}: holds no {METADATA_KEY} description of a model") from error
    known: dict[str, tuple[str, Container[str]]] = {
        "objective": (objective, OBJECTIVES),
        "likelihood": (structure.likelihood, LIKELIHOODS),
        "posterior": (structure.posterior, PARAMETERS),
    }
    for name, (value, table) in known.items():
        if value not in table:
            raise CheckpointError(f"{path}: {name} {value!r} is unknown")
    return structure, objective
