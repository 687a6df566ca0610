"""Compiled loops over the heads of attention, see kernels.py."""

from __future__ import annotations

import numpy as np

from isoflop.train.cpu.kernels import ONE, exp, floats, largest_of, loop
from isoflop.train.cpu.norm_kernels import EPS

_ZERO = np.float32(0)


@loop(5, 6)
def rotary_embedding_forward(
    qkv: int,
    gain: int,
    table: int,
    heads: int,
    inverse: int,
    batch: int,
    length: int,
    all_heads: int,
    queries: int,
    half: int,
    normed: int,
) -> None:
    """heads = queries and keys of qkv, RMS-normed by head if `normed`, rotated by their position; and values.

    qkv (batch, length, all_heads, 2 half), gain (queries and keys, 2 half), table (cos and sin, length, half), heads
    (all_heads, batch, length, 2 half), inverse (batch, length, queries and keys), one over each root mean square.
    Component j of the first half and j of the second are one pair, rotated by one angle.
    """
    rotated = (all_heads + queries) // 2
    ins = floats(qkv, (batch, length, all_heads, 2, half))
    outs, inverses = floats(heads, (all_heads, batch, length, 2, half)), floats(inverse, (batch, length, rotated))
    gains, tables = floats(gain, (rotated, 2, half)), floats(table, (2, length, half))
    for b in range(batch):
        for t in range(length):
            c, s = tables[0, t], tables[1, t]
            for h in range(rotated):
                # each row is an array of its own, so that the inner loops have one index and compile to vectors
                first, second, g, g2 = ins[b, t, h, 0], ins[b, t, h, 1], gains[h, 0], gains[h, 1]
                out, out2 = outs[h, b, t, 0], outs[h, b, t, 1]
                if normed:
                    squares = _ZERO
                    for j in range(half):
                        squares += first[j] * first[j] + second[j] * second[j]
                    r = ONE / np.sqrt(squares / np.float32(2 * half) + EPS)
                    inverses[b, t, h] = r
                    for j in range(half):
                        u, v = first[j] * r * g[j], second[j] * r * g2[j]
                        out[j] = u * c[j] - v * s[j]
                        out2[j] = v * c[j] + u * s[j]
                else:
                    for j in range(half):
                        out[j] = first[j] * c[j] - second[j] * s[j]
                        out2[j] = second[j] * c[j] + first[j] * s[j]
            # values are only moved, from (token, head) to (head, token)
            for h in range(rotated, all_heads):
                outs[h, b, t] = ins[b, t, h]


@loop(9, 6)
def rotary_embedding_backward(
    grad_q: int,
    grad_k: int,
    grad_v: int,
    qkv: int,
    gain: int,
    table: int,
    inverse: int,
    grad_qkv: int,
    grad_gain: int,
    batch: int,
    length: int,
    all_heads: int,
    queries: int,
    half: int,
    normed: int,
) -> None:
    """grad_qkv from grad_q, grad_k and grad_v (heads, batch, length, 2 half); adds to grad_gain. Else as forward."""
    keys = (all_heads - queries) // 2
    rotated = queries + keys
    q, k = floats(grad_q, (queries, batch, length, 2, half)), floats(grad_k, (keys, batch, length, 2, half))
    v, outs = floats(grad_v, (keys, batch, length, 2, half)), floats(grad_qkv, (batch, length, all_heads, 2, half))
    ins, inverses = floats(qkv, (batch, length, all_heads, 2, half)), floats(inverse, (batch, length, rotated))
    gains, grad_gains = floats(gain, (rotated, 2, half)), floats(grad_gain, (rotated, 2, half))
    tables = floats(table, (2, length, half))
    for b in range(batch):
        for t in range(length):
            c, s = tables[0, t], tables[1, t]
            for h in range(rotated):
                grad = q[h, b, t] if h < queries else k[h - queries, b, t]
                d, d2, out, out2 = grad[0], grad[1], outs[b, t, h, 0], outs[b, t, h, 1]
                # a rotation is orthogonal: its transpose, which gradients take, is the rotation by the opposite angle
                if not normed:
                    for j in range(half):
                        out[j] = d[j] * c[j] + d2[j] * s[j]
                        out2[j] = d2[j] * c[j] - d[j] * s[j]
                    continue
                first, second, g, g2 = ins[b, t, h, 0], ins[b, t, h, 1], gains[h, 0], gains[h, 1]
                og, og2, r = grad_gains[h, 0], grad_gains[h, 1], inverses[b, t, h]
                # then the norm's gradient as in `rms_norm_backward`, for which the row holds the rotated gradient
                along = _ZERO
                for j in range(half):
                    u, w = d[j] * c[j] + d2[j] * s[j], d2[j] * c[j] - d[j] * s[j]
                    out[j], out2[j] = u, w
                    along += u * first[j] * g[j] + w * second[j] * g2[j]
                    og[j] += u * first[j] * r
                    og2[j] += w * second[j] * r
                along *= r * r * r / np.float32(2 * half)
                for j in range(half):
                    out[j] = out[j] * g[j] * r - first[j] * along
                    out2[j] = out2[j] * g2[j] * r - second[j] * along
            for h in range(keys):
                outs[b, t, rotated + h] = v[h, b, t]


@loop(1, 3, 1)
def causal_softmax(scores: int, heads: int, rows: int, keys: int, scale: float) -> None:
    """In place, scores (heads, rows, keys): the softmax of `scale` times the scores of the keys that each row sees.

    The last row sees all keys, each earlier one a key less.
    """
    values = floats(scores, (heads, rows, keys))
    for h in range(heads):
        for i in range(rows):
            seen = keys - rows + i + 1
            row = values[h, i]
            # less the largest, no power overflows (Milakov & Gimelshein 2018, 1805.02867, section 2)
            largest, total = largest_of(row[:seen]), _ZERO
            for j in range(seen):
                row[j] = exp((row[j] - largest) * scale)
                total += row[j]
            inverse = ONE / total
            for j in range(seen):
                row[j] *= inverse
            row[seen:] = 0  # later keys; the products that follow take whole rows


@loop(2, 3, 1)
def causal_softmax_backward(grad_p: int, p: int, heads: int, rows: int, keys: int, scale: float) -> None:
    """In place of grad_p (heads, rows, keys), the gradient of the unscaled scores: scale p (dp - sum p dp)."""
    gradients, values = floats(grad_p, (heads, rows, keys)), floats(p, (heads, rows, keys))
    for h in range(heads):
        for i in range(rows):
            seen = keys - rows + i + 1
            grad, row = gradients[h, i], values[h, i]
            along = _ZERO
            for j in range(seen):
                along += row[j] * grad[j]
            for j in range(seen):
                grad[j] = row[j] * (grad[j] - along) * scale
            grad[seen:] = 0
