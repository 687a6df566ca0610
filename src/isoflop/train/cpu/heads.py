"""Rotary heads and causal attention as fused operations (see ops.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from isoflop.train.cpu.ops import Context, contiguous, run_kernel

with suppress(ImportError, RuntimeError):  # as in ops.py
    from isoflop.train.cpu import head_kernels

MAX_FUSED_LENGTH = 512
"""Longest sequence for which `fused_causal_attention` keeps its probabilities, T^2 a head, for the backward pass."""
_BLOCK_ROWS = 128
_CHUNK_BYTES = 4 * 2**20
"""Bytes of probabilities computed together: they stay in a core's cache from one product to the next."""


def rotary_heads(
    qkv: Tensor, n_heads: int, cos: Tensor, sin: Tensor, gain: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (batch, heads, T, head_dim) of the fused projection, queries and keys rotated.

    `qkv` is (batch, T, heads of all three, head_dim); `cos` and `sin` are (T, 1, head_dim) as in
    `attention.rotary_table`. With a `gain` (heads of queries and keys, head_dim) queries and keys are RMS-normed by
    head before the rotation.
    """
    q, k, v = _RotaryHeads.apply(contiguous(qkv), n_heads, cos, sin, gain)  # type: ignore[no-untyped-call]
    return q, k, v


class _RotaryHeads(Function):
    @staticmethod
    def forward(
        ctx: Context, qkv: Tensor, n_heads: int, cos: Tensor, sin: Tensor, gain: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Queries, keys and values as views of one tensor, heads first."""
        batch, length, all_heads, size = qkv.shape
        # keys and values are equally many, so that half of the rest are keys; values are not rotated
        rotated, half = (all_heads + n_heads) // 2, size // 2
        # (2, T, half): the second half of each table, where the sine is not negated for `attention.rotate`
        table = torch.stack([cos[:, 0, half:], sin[:, 0, half:]])
        scale = qkv.new_empty(0) if gain is None else contiguous(gain)
        # heads first: attention's products take whole heads, and q, k and v are slices of one tensor
        heads, inverse = qkv.new_empty(all_heads, batch, length, size), qkv.new_empty(batch, length, rotated)
        sizes = (batch, length, all_heads, n_heads, half, gain is not None)
        run_kernel(head_kernels.rotary_embedding_forward, (qkv, scale, table, heads, inverse), *sizes)
        ctx.save_for_backward(qkv, scale, table, inverse)
        return tuple(part.transpose(0, 1) for part in (heads[:n_heads], heads[n_heads:rotated], heads[rotated:]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, *grad_heads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of `qkv` and of the gain."""
        qkv, scale, table, inverse = ctx.saved_tensors
        batch, length, all_heads, size = qkv.shape
        grad_q, grad_k, grad_v = (contiguous(grad.transpose(0, 1)) for grad in grad_heads)
        grad_qkv, grad_scale, normed = torch.empty_like(qkv), torch.zeros_like(scale), bool(len(scale))
        tensors = (grad_q, grad_k, grad_v, qkv, scale, table, inverse, grad_qkv, grad_scale)
        sizes = (batch, length, all_heads, len(grad_q), size // 2, normed)
        run_kernel(head_kernels.rotary_embedding_backward, tensors, *sizes)
        return grad_qkv, None, None, None, grad_scale if normed else None


def fused_causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(head_dim)) v under a causal mask; q, k, v and the result (batch, heads, T, head_dim).

    Vaswani et al. 2017 (1706.03762), equation 1.
    """
    heads: Tensor = _CausalAttention.apply(q, k, v)  # type: ignore[no-untyped-call]
    return heads


def _blocks(heads: int, length: int) -> Iterator[tuple[slice, int, int]]:
    """(heads, first query, last query + 1) of each block, whose queries see no key after its last query.

    Blocks skip the products above the diagonal: with T / _BLOCK_ROWS = n blocks, (n - 1) / 2n of all.
    """
    size = max(1, _CHUNK_BYTES // (4 * length * length))
    for first in range(0, heads, size):
        for start in range(0, length, _BLOCK_ROWS):
            yield slice(first, first + size), start, min(length, start + _BLOCK_ROWS)


class _CausalAttention(Function):
    @staticmethod
    def forward(ctx: Context, *heads: Tensor) -> Tensor:
        """The mixed values, (batch, heads, T, head_dim), by blocks of queries."""
        batch, n_heads, length, size = heads[0].shape
        # (heads x batch, T, head_dim), heads first: as they leave `rotary_heads`, so that nothing is copied
        q, k, v = (x.transpose(0, 1).reshape(-1, length, size) for x in heads)
        out, probabilities = torch.empty_like(q), []
        for chunk, start, stop in _blocks(len(q), length):
            # scores (heads, rows, keys up to the last row), overwritten by their softmax
            p = torch.bmm(q[chunk, start:stop], k[chunk, :stop].transpose(1, 2))
            run_kernel(head_kernels.causal_softmax, (p,), *p.shape, size**-0.5)
            torch.bmm(p, v[chunk, :stop], out=out[chunk, start:stop])
            probabilities.append(p)
        ctx.save_for_backward(q, k, v, *probabilities)
        return out.view(n_heads, batch, length, size).transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad_out: Tensor) -> tuple[Tensor, ...]:
        """Gradients of queries, keys and values."""
        q, k, v, *probabilities = ctx.saved_tensors
        batch, n_heads, length, size = grad_out.shape
        grad_out = grad_out.transpose(0, 1).reshape(q.shape)
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        # The last queries first: they reach every key, so that their products (beta = 0) initialise the gradients of
        # all keys and values, to which those of the other blocks are added (beta = 1).
        for (chunk, start, stop), p in reversed([*zip(_blocks(len(q), length), probabilities, strict=True)]):
            rows, beta = grad_out[chunk, start:stop], float(stop < length)
            grad_p = torch.bmm(rows, v[chunk, :stop].transpose(1, 2))
            run_kernel(head_kernels.causal_softmax_backward, (grad_p, p), *p.shape, size**-0.5)
            torch.bmm(grad_p, k[chunk, :stop], out=grad_q[chunk, start:stop])
            grad_k[chunk, :stop].baddbmm_(grad_p.transpose(1, 2), q[chunk, start:stop], beta=beta)
            grad_v[chunk, :stop].baddbmm_(p.transpose(1, 2), rows, beta=beta)
        return tuple(x.view(n_heads, batch, length, size).transpose(0, 1) for x in (grad_q, grad_k, grad_v))
