"""Rotary heads and causal attention in few passes over memory (see passes.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from isoflop.train.cpu.ops import run, whole

with suppress(ImportError, RuntimeError):  # as in passes.py
    from isoflop.train.cpu import head_kernels


def turned_heads(
    qkv: Tensor, n_heads: int, cos: Tensor, sin: Tensor, gain: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (batch, heads, T, size); queries and keys are normed where there is a gain, and turned.

    `qkv` is (batch, T, heads of all three, size), `gain` (heads of queries and keys, size), `cos` and `sin`
    (T, 1, size) as in `attention.rotary_table`.
    """
    q, k, v = _TurnedHeads.apply(whole(qkv), n_heads, cos, sin, gain)  # type: ignore[no-untyped-call]
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
        scale = qkv.new_empty(0) if gain is None else whole(gain)
        heads, inverse = qkv.new_empty(all_heads, batch, length, size), qkv.new_empty(batch, length, turning)
        run(
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
        of_q, of_k, of_v = (whole(grad.transpose(0, 1)) for grad in of_heads)
        of_qkv, of_scale, normed = torch.empty_like(qkv), torch.zeros_like(scale), bool(len(scale))
        given = (of_q, of_k, of_v, qkv, scale, cos, sin, inverse, of_qkv, of_scale)
        sizes = (batch, length, all_heads, len(of_q), len(of_k), size // 2, normed)
        run(head_kernels.turn_heads_back, given, *sizes)
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
            run(head_kernels.causal_softmax, (p,), *p.shape, size**-0.5)
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
            run(head_kernels.causal_softmax_back, (of_p, p), *p.shape, size**-0.5)
            torch.bmm(of_p, k[chunk, :stop], out=of_q[chunk, start:stop])
            of_k[chunk, :stop].baddbmm_(of_p.transpose(1, 2), q[chunk, start:stop], beta=add)
            of_v[chunk, :stop].baddbmm_(p.transpose(1, 2), rows, beta=add)
        return tuple(x.view(n_heads, batch, length, size).transpose(0, 1) for x in (of_q, of_k, of_v))
