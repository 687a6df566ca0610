"""The layers' operations in few passes over memory, for float32 on a CPU; elsewhere they are what PyTorch has.

On one core a small model waits for memory and for calls, not for products: PyTorch makes a norm, rotary positions or a
gated unit and their gradients of ten to twenty operations, each of which reads and writes everything once. Here each
is one loop each way (kernels.py). They equal their definitions to rounding, which tests hold; without Numba the
definitions are used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

try:
    from isoflop.train.cpu import kernels

    _compiled = True
except (ImportError, RuntimeError):  # there is no Numba, or no place where it could keep what it compiled
    _compiled = False

_as_defined = False


@contextmanager
def as_defined() -> Generator[None]:
    """Within it every operation is PyTorch's own, as on other devices: for what counts operations, or compares."""
    global _as_defined
    before, _as_defined = _as_defined, True
    try:
        yield
    finally:
        _as_defined = before


def few_passes(x: Tensor) -> bool:
    """Whether operations on `x` go the way of this file."""
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return plain and _compiled and not _as_defined and not torch.compiler.is_compiling()


def whole(x: Tensor) -> Tensor:
    """`x` with its numbers one after another: what the loops are given the address of."""
    return x if x.is_contiguous() else x.contiguous()


def run(loop: Callable[..., None], tensors: tuple[Tensor, ...], *sizes: float) -> None:
    """Runs a loop over whole tensors, which live, being held here, until it has ended."""
    loop(*[tensor.data_ptr() for tensor in tensors], *sizes)


def swiglu(inner: Tensor) -> Tensor:
    """silu(gate) x up of (..., gate and up) (Shazeer 2020)."""
    if not few_passes(inner):
        gate, up = inner.chunk(2, dim=-1)
        return F.silu(gate) * up
    product: Tensor = _SwiGLU.apply(whole(inner))  # type: ignore[no-untyped-call]
    return product


class _SwiGLU(Function):
    @staticmethod
    def forward(ctx: Any, inner: Tensor) -> Tensor:
        width = inner.shape[-1] // 2
        product = inner.new_empty(*inner.shape[:-1], width)
        run(kernels.swiglu, (inner, product), product.numel() // width, width)
        ctx.save_for_backward(inner)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_product: Tensor) -> Tensor:
        (inner,) = ctx.saved_tensors
        of_inner, grad, width = torch.empty_like(inner), whole(of_product), of_product.shape[-1]
        run(kernels.swiglu_back, (grad, inner, of_inner), grad.numel() // width, width)
        return of_inner


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU in the approximation by tanh (Hendrycks & Gimpel 2016, section 2)."""
    if not few_passes(x):
        return F.gelu(x, approximate="tanh")
    product: Tensor = _GeluTanh.apply(whole(x))  # type: ignore[no-untyped-call]
    return product


class _GeluTanh(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = torch.empty_like(x)
        run(kernels.gelu_tanh, (x, out), x.numel())
        ctx.save_for_backward(x)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        of_x = torch.empty_like(x)
        run(kernels.gelu_tanh_back, (whole(grad), x, of_x), x.numel())
        return of_x


def nats(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p of each of `targets` (n,) under the softmax of `logits` (n, tokens)."""
    if not few_passes(logits):
        return F.cross_entropy(logits.float(), targets, reduction="none")
    found: Tensor = _Nats.apply(whole(logits), whole(targets))  # type: ignore[no-untyped-call]
    return found


class _Nats(Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        found, log_z = logits.new_empty(len(targets)), logits.new_empty(len(targets))
        run(kernels.nats, (logits, targets, found, log_z), *logits.shape)
        ctx.save_for_backward(logits, targets, log_z)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, targets, log_z = ctx.saved_tensors
        of_logits = torch.empty_like(logits)
        run(kernels.nats_back, (whole(grad), logits, targets, log_z, of_logits), *logits.shape)
        return of_logits, None
