"""RMSNorm and LayerNorm, alone and of a sum, in few passes over memory (see passes.py)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.train.passes import few_passes, run, whole

with suppress(ImportError, RuntimeError):  # as in passes.py
    from isoflop.train import norm_kernels

NORM_EPS = 1e-6


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


def layer_norm(x: Tensor, gain: Tensor | None, bias: Tensor | None) -> Tensor:
    """x less its mean, over its standard deviation, times `gain`, plus `bias`, over the last dimension (Ba et al. 2016)."""
    if not few_passes(x):
        return F.layer_norm(x, (x.shape[-1],), gain, bias, NORM_EPS)
    normed: Tensor = _LayerNorm.apply(x, None, gain, bias)[1]  # type: ignore[no-untyped-call]
    return normed


def add_layer_norm(x: Tensor, more: Tensor, gain: Tensor | None, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """(x + more, its `layer_norm`)."""
    if not few_passes(x):
        total = x + more
        return total, layer_norm(total, gain, bias)
    total, normed = _LayerNorm.apply(x, more, gain, bias)  # type: ignore[no-untyped-call]
    return total, normed


class _LayerNorm(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, more: Tensor | None, gain: Tensor | None, bias: Tensor | None
    ) -> tuple[Tensor | None, Tensor]:
        x, width = whole(x), x.shape[-1]
        scale = x.new_ones(width) if gain is None else whole(gain)
        shift = x.new_zeros(width) if bias is None else whole(bias)
        other = x if more is None else whole(more)
        total = x if more is None else torch.empty_like(x)
        normed, mean, inverse = torch.empty_like(x), x.new_empty(x.shape[:-1]), x.new_empty(x.shape[:-1])
        given = (x, other, scale, shift, total, normed, mean, inverse)
        run(norm_kernels.layer_norm, given, inverse.numel(), width, more is not None)
        ctx.save_for_backward(total, scale, mean, inverse)
        return None if more is None else total, normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_total: Tensor | None, of_normed: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, mean, inverse = ctx.saved_tensors
        so_far = torch.zeros_like(of_normed) if of_total is None else whole(of_total)
        of_x, of_gain, of_bias = torch.empty_like(x), torch.zeros_like(scale), torch.zeros_like(scale)
        given = (whole(of_normed), so_far, x, scale, mean, inverse, of_x, of_gain, of_bias)
        run(norm_kernels.layer_norm_back, given, inverse.numel(), x.shape[-1])
        needed = ctx.needs_input_grad
        return of_x, of_x if needed[1] else None, of_gain if needed[2] else None, of_bias if needed[3] else None
