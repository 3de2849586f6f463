"""Known regressions, as text appended to a module of a copy: what the gate must find.

Each replaces a public name by one that does the same work wrongly, so that it outlives changes of
the code around it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PACKAGES", "REGRESSIONS", "Regression", "copy_tree", "inject"]

PACKAGES = ("bench", "vae_core", "kernels", "reports", "tests/perf")
FILES = ("pyproject.toml",)


@dataclass(frozen=True)
class Regression:
    """One thing gone wrong.

    Attributes
    ----------
    title
        What went wrong.
    module
        The file it is appended to.
    code
        The text that is appended.
    shows_in
        Beginnings of the names of figures that must tell.
    """

    title: str
    module: str
    code: str
    shows_in: tuple[str, ...]


REGRESSIONS = {
    "work": Regression(
        title="+30 % work in a training step",
        module="vae_core/training.py",
        # Forward and backward are done again until 30 % of the time of all steps was spent on it.
        code="""
import time as _time

_step, _owed = Trainer.step, [0.0]


def _step_and_more(self, step):
    while _owed[0] > 0:
        start = _time.process_time()
        x = self.dataset.pixels(self.dataset.train_images[self._rows])
        again = self.model.losses(x, step=step, stream=TRAINING, backend=self.config.backend)
        torch.autograd.grad(again.loss.sum(), [*self.model.parameters()], allow_unused=True)
        _owed[0] -= _time.process_time() - start
    start = _time.process_time()
    losses = _step(self, step)
    _owed[0] += 0.3 * (_time.process_time() - start)
    return losses


Trainer.step = _step_and_more
""",
        shows_in=("engine/training_step", "counts/epoch"),
    ),
    "float64": Regression(
        title="the op computes in float64",
        module="kernels/reference.py",
        code="""
_narrow = reparameterize_kl


def reparameterize_kl(mu, logvar, *rest):
    z, kl, parts = _narrow(mu.double(), logvar.double(), *rest)
    return z.to(mu.dtype), kl.float(), parts.float()
""",
        shows_in=("engine/reference_op", "counts/epoch"),
    ),
    "synchronisation": Regression(
        title="the loop reads every loss each step",
        module="vae_core/training.py",
        code="""
_unwatched = Trainer.step


def _watched(self, step):
    losses = _unwatched(self, step)
    for loss in losses.loss:
        loss.item()
    return losses


Trainer.step = _watched
""",
        shows_in=("counts/epoch",),
    ),
    "kl": Regression(
        title="the op's KL is 2 % too large",
        module="kernels/reference.py",
        code="""
_exact = reparameterize_kl


def reparameterize_kl(*given):
    z, kl, parts = _exact(*given)
    return z, 1.02 * kl, 1.02 * parts
""",
        shows_in=("quality/",),
    ),
    "metric-kl": Regression(
        title="the metric's KL is 2 % too large",
        module="bench/metrics/rate.py",
        code="""
_exact_kl = gaussian_kl


def gaussian_kl(mu, logvar):
    return 1.02 * _exact_kl(mu, logvar)
""",
        shows_in=("quality/",),
    ),
    "split": Regression(
        title="the linear probe is scored on the training split",
        module="bench/metrics/probes.py",
        code="""
_on_test = linear_probe


def linear_probe(train_z, train_y, test_z, test_y):
    return _on_test(train_z, train_y, train_z, train_y)
""",
        shows_in=("quality/sweep",),
    ),
}


def copy_tree(source: Path, target: Path) -> None:
    """Copy what the gate measures, and the gate itself, out of a checkout."""
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source / package, target / package, ignore=ignore)
    for file in FILES:
        shutil.copyfile(source / file, target / file)


def inject(regression: Regression, tree: Path) -> None:
    """Make one thing wrong in a copy."""
    module = tree / regression.module
    module.write_text(module.read_text(encoding="utf-8") + regression.code, encoding="utf-8")
