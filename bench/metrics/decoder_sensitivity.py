"""How far does an image move when its code does? The norm of a decoder's Jacobian.

Knows a decode function and the codes it is asked at; the only metric that asks a network itself,
and so the only one that imports torch, when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy.typing as npt

from bench.metrics.arrays import Float64Array, MetricError, as_floats, as_matrix, to_numpy

if TYPE_CHECKING:
    from torch import Tensor


def decoder_jacobian_norm(
    decode: Callable[[Tensor], Tensor],
    codes: npt.ArrayLike | Tensor,
    scale: npt.ArrayLike | None = None,
) -> float:
    """Return the mean over codes of ‖∂x̂/∂z‖, the Frobenius norm of the decoder's Jacobian.

    Exact for every D: one derivative a latent dimension, all codes at once, by differentiating
    backwards twice. PyTorch's forward mode would do it in one pass, for fewer decoders.

    Parameters
    ----------
    decode : codes [N, D] to images [N, …], each row of its own; twice differentiable in PyTorch.
    codes : [N, D], read as float32; a tensor keeps its device.
    scale : [D], multiplies the columns of the Jacobian. The standard deviations of the codes make
        the norm that of an image's change for a change of one standard deviation, which does not
        depend on the scale of the codes.

    Raises
    ------
    MetricError
        If codes are not [N, D], `scale` is not [D], values are not finite, or the images carry no
        gradient of the codes.
    """
    return float(decoder_jacobian_norms(decode, codes, scale).mean())


def decoder_jacobian_norms(
    decode: Callable[[Tensor], Tensor],
    codes: npt.ArrayLike | Tensor,
    scale: npt.ArrayLike | None = None,
) -> Float64Array:
    """Return `decoder_jacobian_norm` at each code, [N]; same arguments and errors."""
    import torch

    device = codes.device if isinstance(codes, torch.Tensor) else None
    z = torch.as_tensor(as_matrix(codes, "codes"), dtype=torch.float32, device=device).clone()
    factors = _scale(scale, z.shape[1])
    z.requires_grad_()
    images = decode(z)
    if not images.requires_grad:
        raise MetricError("the decoded images carry no gradient of the codes")
    # The product J'u is linear in u: its derivative in u is the Jacobian, a row of J' at a time.
    u = torch.zeros_like(images, requires_grad=True)
    (product,) = torch.autograd.grad(images, z, u, create_graph=True)
    squares = torch.zeros(len(z), dtype=torch.float64, device=images.device)
    for row, factor in zip(product.unbind(1), factors, strict=True):
        (column,) = torch.autograd.grad(row.sum(), u, retain_graph=True)
        squares += (factor * column).flatten(1).double().square().sum(1)
    return to_numpy(squares.sqrt())


def _scale(scale: npt.ArrayLike | None, dimensions: int) -> list[float]:
    """Return the factor of each column of the Jacobian, D of them."""
    if scale is None:
        return [1.0] * dimensions
    factors = as_floats(scale, "scale")
    if factors.shape != (dimensions,):
        raise MetricError(f"scale has shape {factors.shape}; [{dimensions}] is needed")
    return [float(factor) for factor in factors]
