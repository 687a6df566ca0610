"""Fused operations of the layers for float32 on a CPU; elsewhere each is PyTorch's own.

On one core a small model waits for memory and for calls, not for products: PyTorch composes a norm, rotary positions or
a gated unit, and their gradients, of ten to twenty operations, each of which reads and writes every value once. Here
each is one compiled loop forward and one backward (kernels.py). Tests hold them to their definitions within float32
rounding; without Numba the definitions are used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

try:
    from isoflop.train.cpu import kernels

    _compiled = True
except (ImportError, RuntimeError):  # Numba is not installed, or finds no folder for its cache of compiled loops
    _compiled = False

_reference = ContextVar("reference_ops", default=False)


class Context(Protocol):
    """What autograd passes from `forward` to `backward`; PyTorch's stub types `saved_tensors` as exactly one tensor."""

    needs_input_grad: tuple[bool, ...]

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """What `save_for_backward` saved."""

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep `tensors` until the backward pass."""


@contextmanager
def reference_ops() -> Generator[None]:
    """Within it every operation is PyTorch's own, as on other devices: for counting FLOPs and for comparisons."""
    token = _reference.set(True)
    try:
        yield
    finally:
        _reference.reset(token)


def use_fused(x: Tensor) -> bool:
    """Whether operations on `x` use the compiled loops: float32 on a CPU, outside autocast and torch.compile."""
    # first, so that the compiler, which cannot see into the loops, traces nothing else of this function
    if torch.compiler.is_compiling():
        return False
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return plain and _compiled and not _reference.get()


def contiguous(x: Tensor) -> Tensor:
    """`x` with its values contiguous in memory: the loops are passed nothing but an address."""
    return x if x.is_contiguous() else x.contiguous()


def run_kernel(kernel: Callable[..., None], tensors: tuple[Tensor, ...], *sizes: float) -> None:
    """Run a compiled loop on the addresses of contiguous `tensors`, which the tuple keeps alive until it returns."""
    kernel(*[tensor.data_ptr() for tensor in tensors], *sizes)


def swiglu(inner: Tensor) -> Tensor:
    """silu(gate) * up of `inner` (..., gate and up), shape (..., half of the last dimension).

    Shazeer 2020 (2002.05202), section 2, without biases.
    """
    if not use_fused(inner):
        gate, up = inner.chunk(2, dim=-1)
        return F.silu(gate) * up
    product: Tensor = _SwiGLU.apply(contiguous(inner))  # type: ignore[no-untyped-call]
    return product


class _SwiGLU(Function):
    @staticmethod
    def forward(ctx: Context, inner: Tensor) -> Tensor:
        """`swiglu` in one loop."""
        width = inner.shape[-1] // 2
        product = inner.new_empty(*inner.shape[:-1], width)
        run_kernel(kernels.swiglu, (inner, product), product.numel() // width, width)
        # the logistic function of the gate is recomputed backward, which is cheaper than writing and reading it
        ctx.save_for_backward(inner)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad_product: Tensor) -> Tensor:
        """The gradient of `inner`."""
        (inner,) = ctx.saved_tensors
        grad_inner, grad, width = torch.empty_like(inner), contiguous(grad_product), grad_product.shape[-1]
        run_kernel(kernels.swiglu_backward, (grad, inner, grad_inner), grad.numel() // width, width)
        return grad_inner


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU in its tanh approximation, elementwise (Hendrycks & Gimpel 2016, 1606.08415, section 2)."""
    if not use_fused(x):
        return F.gelu(x, approximate="tanh")
    product: Tensor = _GeluTanh.apply(contiguous(x))  # type: ignore[no-untyped-call]
    return product


class _GeluTanh(Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor) -> Tensor:
        """`gelu_tanh` in one loop."""
        out = torch.empty_like(x)
        run_kernel(kernels.gelu_tanh, (x, out), x.numel())
        ctx.save_for_backward(x)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad: Tensor) -> Tensor:
        """The gradient of `x`."""
        (x,) = ctx.saved_tensors
        grad_x = torch.empty_like(x)
        run_kernel(kernels.gelu_tanh_backward, (contiguous(grad), x, grad_x), x.numel())
        return grad_x


def nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy -ln p, (n,), of each of `targets` (n,) under the softmax of `logits` (n, vocab_size)."""
    if not use_fused(logits):
        return F.cross_entropy(logits.float(), targets, reduction="none")
    losses: Tensor = _Nats.apply(contiguous(logits), contiguous(targets))  # type: ignore[no-untyped-call]
    return losses


class _Nats(Function):
    @staticmethod
    def forward(ctx: Context, logits: Tensor, targets: Tensor) -> Tensor:
        """`nats` in one loop over the rows."""
        losses, log_z = logits.new_empty(len(targets)), logits.new_empty(len(targets))
        run_kernel(kernels.nats, (logits, targets, losses, log_z), *logits.shape)
        # one number a row instead of the softmax, which would be a second tensor of (n, vocab_size)
        ctx.save_for_backward(logits, targets, log_z)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor, None]:
        """The gradient of the logits; targets have none."""
        logits, targets, log_z = ctx.saved_tensors
        grad_logits = torch.empty_like(logits)
        run_kernel(kernels.nats_backward, (contiguous(grad), logits, targets, log_z, grad_logits), *logits.shape)
        return grad_logits, None
