"""What a training step does, counted: the same each time, on any machine, however busy it is.

On a CPU nothing waits for a device, so a synchronisation in the loop has no time of its own there.
What stands for it is the number of times the host reads a value out of a tensor.
"""

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from vae_core import (
    Member,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
    load_dataset,
)

HOST_READS = {"tolist", "numpy", "cpu", "__array__"}
"""Methods of a tensor that wait for the device and are no operation of their own."""

HOST_READ_OPERATIONS = {"_local_scalar_dense", "equal", "nonzero"}
"""Operations that wait for the device: ``item``, ``float``, ``bool``, comparisons, masks."""


class Methods(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.host_reads = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.host_reads += getattr(function, "__name__", "") in HOST_READS
        return function(*args, **(kwargs or {}))


class Operations(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.all = self.float64 = self.host_reads = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.all += 1
        self.host_reads += function.overloadpacket.__name__ in HOST_READ_OPERATIONS
        outputs = result if isinstance(result, tuple | list) else (result,)
        self.float64 += any(getattr(o, "dtype", None) is torch.float64 for o in outputs)
        return result


def train(epochs, objective):
    dataset = load_dataset("digits", train_size=256)
    structure = Structure("mlp", (32,), dataset.image_shape, 4, "gaussian")
    kl_weight = None if objective == "ae" else 0.1
    members = [Member(objective, seed, kl_weight, 1.0) for seed in range(2)]
    config = TrainingConfig(epochs, 64, 1e-3, "reference")
    trainer = Trainer(StackedAutoencoders(structure, members), dataset, config)
    flop = FlopCounterMode(display=False)
    with Methods() as methods, Operations() as operations, flop:
        trainer.train()
    return {
        "matrix FLOP": flop.get_total_flops(),
        "operations": operations.all,
        "float64 operations": operations.float64,
        "host reads": operations.host_reads + methods.host_reads,
    }


@pytest.mark.parametrize("objective", ["ae", "vae"])
def test_epoch(vae_gate, objective):
    """Of three epochs over that of one, so that what is done once does not count."""
    one, three = train(1, objective), train(3, objective)
    tolerances = {"matrix FLOP": 1.02, "operations": 1.1}
    for what, count in one.items():
        an_epoch = (three[what] - count) / 2
        vae_gate.count(what, an_epoch, tolerance=tolerances.get(what, 1.0))
