"""Holds the Triton kernels against float64: ``python -m kernels.check``.

Runs on a GPU, or on a CPU under ``TRITON_INTERPRET=1``. An error is measured in units of the
terms that were added, not of their sum, which may cancel: |mu| + std (1 + |eps|) for z, and so on.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from kernels.reference import posterior_noise
from kernels.reparameterize import reparameterize_kl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

FLOAT32_TOLERANCE = 1e-5
ROUNDING = {torch.float32: 0.0, torch.bfloat16: 2.0**-7, torch.float16: 2.0**-10}
"""One unit in the last place of the output; Triton's interpreter truncates rather than rounds."""

OUTPUTS = ("z", "kl", "kl_per_dimension", "dmu", "dlogvar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One input of the fused op: its shape, dtype, layout, and which results have gradients."""

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    samples: int | None = None
    chunked: bool = False
    gradients: tuple[str, ...] = ("z", "kl", "kl_per_dimension")

    def __str__(self) -> str:
        layout = "chunked" if self.chunked else "contiguous"
        dtype = str(self.dtype).removeprefix("torch.")
        return (
            f"{list(self.shape)} {dtype} {layout} samples={self.samples} "
            f"gradients={'+'.join(self.gradients)}"
        )

    def tolerance(self, output: str) -> float:
        """Return the largest error allowed; both KL are float32 whatever the input."""
        rounding = 0.0 if output.startswith("kl") else ROUNDING[self.dtype]
        return FLOAT32_TOLERANCE + rounding


CASES = (
    *(Case(shape=(130, dim)) for dim in (1, 2, 3, 10, 16, 20)),
    *(Case(shape=(3, dim)) for dim in (31, 100, 255, 600)),
    *(Case(shape=(5, 7), dtype=dtype) for dtype in (torch.bfloat16, torch.float16)),
    Case(shape=(2, 65, 16), dtype=torch.bfloat16),
    Case(shape=(3, 200), dtype=torch.float16),
    Case(shape=(1, 16384)),
    Case(shape=(1, 1)),
    Case(shape=(2, 3, 5, 6)),
    Case(shape=(3, 17, 8), chunked=True),
    Case(shape=(2, 9, 5), samples=3),
    Case(shape=(2, 9, 8), samples=2, dtype=torch.bfloat16),
    *(Case(shape=(9, 12), gradients=(name,)) for name in ("z", "kl", "kl_per_dimension")),
)


def relative_errors(case: Case, device: torch.device | str) -> dict[str, float]:
    """Return the largest relative error of every output of the Triton backend in ``case``."""
    generator = torch.Generator().manual_seed(0)
    *runs, rows, latent_dim = case.shape
    moments = torch.randn((*runs, rows, 2 * latent_dim), generator=generator)
    moments = moments.to(device, case.dtype)
    mu, logvar = moments.chunk(2, dim=-1)
    if not case.chunked:
        mu, logvar = mu.contiguous(), logvar.contiguous()
    mu.requires_grad_()
    logvar.requires_grad_()
    seed = torch.arange(-1, mu[..., 0, 0].numel() - 1).view(runs).to(device)
    results = reparameterize_kl(
        mu, logvar, seed=seed, step=7, stream=1, samples=case.samples, per_dimension=True,
        backend="triton",
    )  # fmt: skip
    upstream = {
        name: torch.randn(result.shape, generator=generator).to(device, result.dtype)
        for name, result in zip(OUTPUTS, results, strict=False)
        if name in case.gradients
    }
    chosen = [result for name, result in zip(OUTPUTS, results, strict=False) if name in upstream]
    gradients = torch.autograd.grad(chosen, (mu, logvar), list(upstream.values()))

    eps = posterior_noise(mu.shape, seed, seed.new_tensor(7), 1, case.samples)
    expected = _expected(mu.detach(), logvar.detach(), eps, upstream)
    return {
        name: float(((actual.detach().double() - value).abs() / scale).max())
        for (name, (value, scale)), actual in zip(
            expected.items(), (*results, *gradients), strict=True
        )
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every case, print its errors, and return 1 when one is too large."""
    parser = argparse.ArgumentParser(prog="python -m kernels.check", description=__doc__)
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=default, help="cuda, or cpu under TRITON_INTERPRET=1")
    device = parser.parse_args(arguments).device
    failures = 0
    for case in CASES:
        errors = relative_errors(case, device)
        wrong = [name for name, error in errors.items() if not error <= case.tolerance(name)]
        failures += bool(wrong)
        figures = "  ".join(f"{name} {error:.1e}" for name, error in errors.items())
        verdict = f"FAILED ({', '.join(wrong)})" if wrong else "ok"
        sys.stdout.write(f"{case}: {figures}  {verdict}\n")
    sys.stdout.write(f"{len(CASES) - failures} of {len(CASES)} cases within tolerance\n")
    return 1 if failures else 0


def _expected(
    mu: Tensor, logvar: Tensor, eps: Tensor, upstream: dict[str, Tensor]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return every output in float64, with the size of its terms."""
    mu, logvar, eps = mu.double(), logvar.double(), eps.double()
    samples = eps.dim() > mu.dim()
    eps = eps if samples else eps.unsqueeze(-3)
    std = torch.exp(0.5 * logvar)
    z = mu.unsqueeze(-3) + std.unsqueeze(-3) * eps
    z_scale = mu.abs().unsqueeze(-3) + std.unsqueeze(-3) * (1 + eps.abs())
    kl = 0.5 * (mu.square() + torch.expm1(logvar) - logvar)
    kl_scale = 0.5 * (mu.square() + std.square() + 1 + logvar.abs())

    dz = upstream.get("z", torch.zeros_like(mu)).double()
    dz = dz if dz.dim() == eps.dim() else dz.unsqueeze(-3)
    gradient = torch.zeros_like(mu)
    if "kl" in upstream:
        gradient = gradient + upstream["kl"].double().unsqueeze(-1)
    if "kl_per_dimension" in upstream:
        gradient = gradient + upstream["kl_per_dimension"].double().unsqueeze(-2) / mu.shape[-2]
    dmu = dz.sum(-3) + gradient * mu
    dmu_scale = dz.abs().sum(-3) + gradient.abs() * mu.abs()
    dlogvar = 0.5 * (std * (dz * eps).sum(-3) + gradient * torch.expm1(logvar))
    terms = std * (dz.abs() * (1 + eps.abs())).sum(-3) + gradient.abs() * (std.square() + 1)
    return {
        "z": (z, z_scale) if samples else (z.squeeze(-3), z_scale.squeeze(-3)),
        "kl": (kl.sum(-1), kl_scale.sum(-1)),
        "kl_per_dimension": (kl.mean(-2), kl_scale.mean(-2)),
        "dmu": (dmu, dmu_scale.clamp_min(torch.finfo(torch.float64).tiny)),
        "dlogvar": (dlogvar, 0.5 * terms),
    }


if __name__ == "__main__":
    sys.exit(main())
