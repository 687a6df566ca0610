"""RMSNorm, alone and of a sum, in few passes over memory (see passes.py).

PyTorch has LayerNorm in one operation on a CPU, and it is as fast as a loop here would be.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import NORM_EPS
from isoflop.train.cpu.ops import few_passes, run, whole

with suppress(ImportError, RuntimeError):  # as in passes.py
    from isoflop.train.cpu import norm_kernels


def rms_norm(x: Tensor, gain: Tensor | None) -> Tensor:
    """x over its root mean square over the last dimension, times `gain` (Zhang & Sennrich 2019)."""
    if not few_passes(x):
        return F.rms_norm(x, (x.shape[-1],), gain, NORM_EPS)
    normed: Tensor = _RMSNorm.apply(x, gain)  # type: ignore[no-untyped-call]
    return normed


def add_rms_norm(x: Tensor, more: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
    """(x + more, its `rms_norm`)."""
    if not few_passes(x):
        total = x + more
        return total, rms_norm(total, gain)
    total, normed = _AddRMSNorm.apply(x, more, gain)  # type: ignore[no-untyped-call]
    return total, normed


class _RMSNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor | None) -> Tensor:
        x, width = whole(x), x.shape[-1]
        scale = x.new_ones(width) if gain is None else whole(gain)
        normed, inverse = torch.empty_like(x), x.new_empty(x.shape[:-1])
        run(norm_kernels.rms_norm, (x, scale, normed, inverse), inverse.numel(), width)
        ctx.save_for_backward(x, scale, inverse)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_normed: Tensor) -> tuple[Tensor, Tensor | None]:
        of_x, of_gain = _norm_back(of_normed, torch.zeros_like(of_normed), *ctx.saved_tensors)
        return of_x, of_gain if ctx.needs_input_grad[1] else None


class _AddRMSNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, more: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
        x, more, gain = whole(x), whole(more), whole(gain)
        total, normed, inverse = torch.empty_like(x), torch.empty_like(x), x.new_empty(x.shape[:-1])
        run(norm_kernels.add_rms_norm, (x, more, gain, total, normed, inverse), inverse.numel(), x.shape[-1])
        ctx.save_for_backward(total, gain, inverse)
        return total, normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_total: Tensor, of_normed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_x, of_gain = _norm_back(of_normed, of_total, *ctx.saved_tensors)
        return of_x, of_x, of_gain


def _norm_back(of_normed: Tensor, so_far: Tensor, x: Tensor, gain: Tensor, inverse: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of x, added to what is known of it `so_far`, and of gain."""
    of_x, of_gain = torch.empty_like(x), torch.zeros_like(gain)
    given = (whole(of_normed), whole(so_far), x, gain, inverse, of_x, of_gain)
    run(norm_kernels.rms_norm_back, given, inverse.numel(), x.shape[-1])
    return of_x, of_gain
