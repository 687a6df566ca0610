"""RMSNorm, alone and of a sum, as fused operations (see ops.py).

LayerNorm is missing on purpose: PyTorch has it as one operation on a CPU, as fast as a loop would be.
"""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import NORM_EPS
from isoflop.train.cpu.ops import Context, contiguous, run_kernel, use_fused

with suppress(ImportError, RuntimeError):  # as in ops.py
    from isoflop.train.cpu import norm_kernels


def rms_norm(x: Tensor, gain: Tensor | None) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last dimension, times `gain` (width,).

    Zhang & Sennrich 2019 (1910.07467), equation 4; eps is NORM_EPS.
    """
    if not use_fused(x):
        return F.rms_norm(x, (x.shape[-1],), gain, NORM_EPS)
    normed: Tensor = _RMSNorm.apply(x, gain)  # type: ignore[no-untyped-call]
    return normed


def add_rms_norm(x: Tensor, update: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
    """(x + update, its `rms_norm`): a block adds to the residual stream and norms it for the next one."""
    if not use_fused(x):
        total = x + update
        return total, rms_norm(total, gain)
    total, normed = _AddRMSNorm.apply(x, update, gain)  # type: ignore[no-untyped-call]
    return total, normed


class _RMSNorm(Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor, gain: Tensor | None) -> Tensor:
        """`rms_norm` in one loop over the rows of `x` (..., width)."""
        x, width = contiguous(x), x.shape[-1]
        scale = x.new_ones(width) if gain is None else contiguous(gain)
        normed, inverse = torch.empty_like(x), x.new_empty(x.shape[:-1])
        run_kernel(norm_kernels.rms_norm, (x, scale, normed, inverse), inverse.numel(), width)
        # one number a row spares the backward pass the sum of squares and the root
        ctx.save_for_backward(x, scale, inverse)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad_normed: Tensor) -> tuple[Tensor, Tensor | None]:
        """Gradients of `x` and of the gain."""
        x, scale, inverse = ctx.saved_tensors
        grad_x, grad_gain = _norm_backward(grad_normed, torch.zeros_like(grad_normed), x, scale, inverse)
        return grad_x, grad_gain if ctx.needs_input_grad[1] else None


class _AddRMSNorm(Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor, update: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
        """(x + update, its norm) in one loop over the rows."""
        x, update, gain = contiguous(x), contiguous(update), contiguous(gain)
        total, normed, inverse = torch.empty_like(x), torch.empty_like(x), x.new_empty(x.shape[:-1])
        run_kernel(norm_kernels.add_rms_norm, (x, update, gain, total, normed, inverse), inverse.numel(), x.shape[-1])
        ctx.save_for_backward(total, gain, inverse)
        return total, normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad_total: Tensor, grad_normed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of `x`, `update` and the gain."""
        total, gain, inverse = ctx.saved_tensors
        # the gradient through the residual path joins that through the norm in the same loop
        grad_x, grad_gain = _norm_backward(grad_normed, grad_total, total, gain, inverse)
        return grad_x, grad_x, grad_gain  # a sum passes its gradient to both terms unchanged


def _norm_backward(
    grad_normed: Tensor, grad_residual: Tensor, x: Tensor, gain: Tensor, inverse: Tensor
) -> tuple[Tensor, Tensor]:
    """(gradient of x, which `grad_residual` is added to; gradient of gain)."""
    # zeros: the loop adds each row's share to the gradient of the gain
    grad_x, grad_gain = torch.empty_like(x), torch.zeros_like(gain)
    tensors = (contiguous(grad_normed), contiguous(grad_residual), x, gain, inverse, grad_x, grad_gain)
    run_kernel(norm_kernels.rms_norm_backward, tensors, inverse.numel(), x.shape[-1])
    return grad_x, grad_gain
