"""The layers' operations in few passes over memory, for float32 on a CPU; elsewhere they are what PyTorch has.

On one core a small model waits for memory and for calls, not for products: PyTorch makes a norm, rotary positions or a
gated unit and their gradients of ten to twenty operations, each of which reads and writes everything once. Here each
is one loop each way (kernels.py). They equal their definitions to rounding, which tests hold; without Numba the
definitions are used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

try:
    from isoflop.train import head_kernels, kernels

    _compiled = True
except (ImportError, RuntimeError):  # there is no Numba, or no place where it could keep what it compiled
    _compiled = False

NORM_EPS = 1e-6

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


def _whole(x: Tensor) -> Tensor:
    """`x` with its numbers one after another: what the loops are given the address of."""
    return x if x.is_contiguous() else x.contiguous()


def _run(loop: Callable[..., None], tensors: tuple[Tensor, ...], *sizes: float) -> None:
    """Runs a loop over whole tensors, which live, being held here, until it has ended."""
    loop(*[tensor.data_ptr() for tensor in tensors], *sizes)


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
        x, width = _whole(x), x.shape[-1]
        scale = x.new_ones(width) if gain is None else _whole(gain)
        normed, inverse = torch.empty_like(x), x.new_empty(x.shape[:-1])
        _run(kernels.rms_norm, (x, scale, normed, inverse), inverse.numel(), width)
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
        x, more, gain = _whole(x), _whole(more), _whole(gain)
        total, normed, inverse = torch.empty_like(x), torch.empty_like(x), x.new_empty(x.shape[:-1])
        _run(kernels.add_rms_norm, (x, more, gain, total, normed, inverse), inverse.numel(), x.shape[-1])
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
    given = (_whole(of_normed), _whole(so_far), x, gain, inverse, of_x, of_gain)
    _run(kernels.rms_norm_back, given, inverse.numel(), x.shape[-1])
    return of_x, of_gain


def turned_heads(
    qkv: Tensor, n_heads: int, cos: Tensor, sin: Tensor, gain: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (batch, heads, T, size); queries and keys are normed where there is a gain, and turned.

    `qkv` is (batch, T, heads of all three, size), `gain` (heads of queries and keys, size), `cos` and `sin`
    (T, 1, size) as in `attention.rotary_table`.
    """
    q, k, v = _TurnedHeads.apply(_whole(qkv), n_heads, cos, sin, gain)  # type: ignore[no-untyped-call]
    return q, k, v


class _TurnedHeads(Function):
    @staticmethod
    def forward(
        ctx: Any, qkv: Tensor, n_heads: int, cos: Tensor, sin: Tensor, gain: Tensor | None
    ) -> tuple[Tensor, ...]:
        batch, length, all_heads, size = qkv.shape
        turning, half = (all_heads + n_heads) // 2, size // 2
        # the second halves: there the sine has its own sign
        tables = [table[:, 0, half:].contiguous() for table in (cos, sin)]
        scale = qkv.new_empty(0) if gain is None else _whole(gain)
        heads, inverse = qkv.new_empty(all_heads, batch, length, size), qkv.new_empty(batch, length, turning)
        _run(
            head_kernels.turn_heads,
            (qkv, scale, *tables, heads, inverse),
            batch,
            length,
            all_heads,
            turning,
            half,
            gain is not None,
        )
        ctx.save_for_backward(qkv, scale, *tables, inverse)
        return tuple(part.transpose(0, 1) for part in (heads[:n_heads], heads[n_heads:turning], heads[turning:]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *of_heads: Tensor) -> tuple[Tensor | None, ...]:
        qkv, scale, cos, sin, inverse = ctx.saved_tensors
        batch, length, all_heads, size = qkv.shape
        of_q, of_k, of_v = (_whole(grad.transpose(0, 1)) for grad in of_heads)
        of_qkv, of_scale, normed = torch.empty_like(qkv), torch.zeros_like(scale), bool(len(scale))
        given = (of_q, of_k, of_v, qkv, scale, cos, sin, inverse, of_qkv, of_scale)
        sizes = (batch, length, all_heads, len(of_q), len(of_k), size // 2, normed)
        _run(head_kernels.turn_heads_back, given, *sizes)
        return of_qkv, None, None, None, of_scale if normed else None


LONGEST = 512
"""Tokens up to which `causal_heads` keeps its probabilities, T^2 a head, for the backward pass."""
_BLOCK_ROWS = 128
_CHUNK_BYTES = 4 * 2**20
"""Probabilities that go through together: they stay in a core's cache from one product to the next."""


def causal_heads(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention where no query sees a later key; q, k, v and the result (batch, heads, T, size)."""
    heads: Tensor = _CausalHeads.apply(q, k, v)  # type: ignore[no-untyped-call]
    return heads


def _parts(heads: int, length: int) -> Iterator[tuple[slice, int, int]]:
    """(heads, first query, last query + 1) that go together; the queries need no key after their last."""
    size = max(1, _CHUNK_BYTES // (4 * length * length))
    for first in range(0, heads, size):
        for start in range(0, length, _BLOCK_ROWS):
            yield slice(first, first + size), start, min(length, start + _BLOCK_ROWS)


class _CausalHeads(Function):
    @staticmethod
    def forward(ctx: Any, *heads: Tensor) -> Tensor:
        batch, n_heads, length, size = heads[0].shape
        # heads first: so they leave `turned_heads`
        q, k, v = (x.transpose(0, 1).reshape(-1, length, size) for x in heads)
        out, kept = torch.empty_like(q), []
        for chunk, start, stop in _parts(len(q), length):
            p = torch.bmm(q[chunk, start:stop], k[chunk, :stop].transpose(1, 2))
            _run(head_kernels.causal_softmax, (p,), *p.shape, size**-0.5)
            torch.bmm(p, v[chunk, :stop], out=out[chunk, start:stop])
            kept.append(p)
        ctx.save_for_backward(q, k, v, *kept)
        return out.view(n_heads, batch, length, size).transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_out: Tensor) -> tuple[Tensor, ...]:
        q, k, v, *kept = ctx.saved_tensors
        batch, n_heads, length, size = of_out.shape
        of_out = of_out.transpose(0, 1).reshape(q.shape)
        of_q, of_k, of_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        # the last queries first: they reach every key, and the others add to it
        for (chunk, start, stop), p in reversed([*zip(_parts(len(q), length), kept, strict=True)]):
            rows, add = of_out[chunk, start:stop], float(stop < length)
            of_p = torch.bmm(rows, v[chunk, :stop].transpose(1, 2))
            _run(head_kernels.causal_softmax_back, (of_p, p), *p.shape, size**-0.5)
            torch.bmm(of_p, k[chunk, :stop], out=of_q[chunk, start:stop])
            of_k[chunk, :stop].baddbmm_(of_p.transpose(1, 2), q[chunk, start:stop], beta=add)
            of_v[chunk, :stop].baddbmm_(p.transpose(1, 2), rows, beta=add)
        return tuple(x.view(n_heads, batch, length, size).transpose(0, 1) for x in (of_q, of_k, of_v))


def swiglu(inner: Tensor) -> Tensor:
    """silu(gate) x up of (..., gate and up) (Shazeer 2020)."""
    if not few_passes(inner):
        gate, up = inner.chunk(2, dim=-1)
        return F.silu(gate) * up
    product: Tensor = _SwiGLU.apply(_whole(inner))  # type: ignore[no-untyped-call]
    return product


class _SwiGLU(Function):
    @staticmethod
    def forward(ctx: Any, inner: Tensor) -> Tensor:
        width = inner.shape[-1] // 2
        product = inner.new_empty(*inner.shape[:-1], width)
        _run(kernels.swiglu, (inner, product), product.numel() // width, width)
        ctx.save_for_backward(inner)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_product: Tensor) -> Tensor:
        (inner,) = ctx.saved_tensors
        of_inner, grad, width = torch.empty_like(inner), _whole(of_product), of_product.shape[-1]
        _run(kernels.swiglu_back, (grad, inner, of_inner), grad.numel() // width, width)
        return of_inner


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU in the approximation by tanh (Hendrycks & Gimpel 2016, section 2)."""
    if not few_passes(x):
        return F.gelu(x, approximate="tanh")
    product: Tensor = _GeluTanh.apply(_whole(x))  # type: ignore[no-untyped-call]
    return product


class _GeluTanh(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = torch.empty_like(x)
        _run(kernels.gelu_tanh, (x, out), x.numel())
        ctx.save_for_backward(x)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        of_x = torch.empty_like(x)
        _run(kernels.gelu_tanh_back, (_whole(grad), x, of_x), x.numel())
        return of_x


def nats(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p of each of `targets` (n,) under the softmax of `logits` (n, tokens)."""
    if not few_passes(logits):
        return F.cross_entropy(logits.float(), targets, reduction="none")
    found: Tensor = _Nats.apply(_whole(logits), _whole(targets))  # type: ignore[no-untyped-call]
    return found


class _Nats(Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        found, log_z = logits.new_empty(len(targets)), logits.new_empty(len(targets))
        _run(kernels.nats, (logits, targets, found, log_z), *logits.shape)
        ctx.save_for_backward(logits, targets, log_z)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, targets, log_z = ctx.saved_tensors
        of_logits = torch.empty_like(logits)
        _run(kernels.nats_back, (_whole(grad), logits, targets, log_z, of_logits), *logits.shape)
        return of_logits, None
