"""Autoencoders and variational autoencoders: data, networks, objectives, and one stacked training
loop.

``load(path)`` gives a trained model with ``encode``, ``decode`` and ``sample``.
"""

from vae_core.checkpoints import CheckpointError, load, to_bytes
from vae_core.cohort import Losses, LossSettings, Member, StackedAutoencoders
from vae_core.data import DATASETS, DataError, Dataset, load_dataset
from vae_core.likelihoods import LIKELIHOODS
from vae_core.model import Autoencoder, Structure
from vae_core.networks import ARCHITECTURES, ArchitectureError
from vae_core.objectives import OBJECTIVES
from vae_core.optimizer import OptimizerSettings
from vae_core.posteriors import Gaussian
from vae_core.rate_control import RateControl
from vae_core.stacking import StackingError, stack
from vae_core.training import History, Trainer, TrainingConfig

__all__ = [
    "ARCHITECTURES",
    "DATASETS",
    "LIKELIHOODS",
    "OBJECTIVES",
    "ArchitectureError",
    "Autoencoder",
    "CheckpointError",
    "DataError",
    "Dataset",
    "Gaussian",
    "History",
    "LossSettings",
    "Losses",
    "Member",
    "OptimizerSettings",
    "RateControl",
    "StackedAutoencoders",
    "StackingError",
    "Structure",
    "Trainer",
    "TrainingConfig",
    "load",
    "load_dataset",
    "stack",
    "to_bytes",
]
