"""Loops over the heads of attention, see kernels.py."""

from __future__ import annotations

import numpy as np

from isoflop.train.cpu.kernels import ONE, exp, floats, largest_of, loop
from isoflop.train.cpu.norm_kernels import EPS

_ZERO = np.float32(0)


@loop(6, 6)
def turn_heads(
    qkv: int,
    gain: int,
    cos: int,
    sin: int,
    heads: int,
    inverse: int,
    batch: int,
    length: int,
    all_heads: int,
    turning: int,
    half: int,
    normed: int,
) -> None:
    """heads = queries and keys of qkv, normed by head if `normed`, their halves turned by the position; and values.

    qkv (batch, length, all_heads, 2 half), gain (turning, 2 half), cos and sin (length, half), heads (all_heads, batch,
    length, 2 half), inverse (batch, length, turning).
    """
    ins = floats(qkv, (batch, length, all_heads, 2, half))
    outs, inverses = floats(heads, (all_heads, batch, length, 2, half)), floats(inverse, (batch, length, turning))
    gains, cosines, sines = (
        floats(gain, (turning, 2, half)),
        floats(cos, (length, half)),
        floats(sin, (length, half)),
    )
    for b in range(batch):
        for t in range(length):
            c, s = cosines[t], sines[t]
            for h in range(turning):
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
            for h in range(turning, all_heads):
                outs[h, b, t] = ins[b, t, h]


@loop(10, 7)
def turn_heads_back(
    of_q: int,
    of_k: int,
    of_v: int,
    qkv: int,
    gain: int,
    cos: int,
    sin: int,
    inverse: int,
    of_qkv: int,
    of_gain: int,
    batch: int,
    length: int,
    all_heads: int,
    queries: int,
    keys: int,
    half: int,
    normed: int,
) -> None:
    """of_qkv from the gradients of q, k and v (heads, batch, length, 2 half); adds to of_gain."""
    turning = queries + keys
    q, k = floats(of_q, (queries, batch, length, 2, half)), floats(of_k, (keys, batch, length, 2, half))
    v, outs = floats(of_v, (keys, batch, length, 2, half)), floats(of_qkv, (batch, length, all_heads, 2, half))
    ins, inverses = floats(qkv, (batch, length, all_heads, 2, half)), floats(inverse, (batch, length, turning))
    gains, of_gains = floats(gain, (turning, 2, half)), floats(of_gain, (turning, 2, half))
    cosines, sines = floats(cos, (length, half)), floats(sin, (length, half))
    for b in range(batch):
        for t in range(length):
            c, s = cosines[t], sines[t]
            for h in range(turning):
                grad = q[h, b, t] if h < queries else k[h - queries, b, t]
                d, d2, out, out2 = grad[0], grad[1], outs[b, t, h, 0], outs[b, t, h, 1]
                if not normed:
                    for j in range(half):
                        out[j] = d[j] * c[j] + d2[j] * s[j]
                        out2[j] = d2[j] * c[j] - d[j] * s[j]
                    continue
                first, second, g, g2 = ins[b, t, h, 0], ins[b, t, h, 1], gains[h, 0], gains[h, 1]
                og, og2, r = of_gains[h, 0], of_gains[h, 1], inverses[b, t, h]
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
                outs[b, t, turning + h] = v[h, b, t]


@loop(1, 3, 1)
def causal_softmax(scores: int, heads: int, rows: int, keys: int, scale: float) -> None:
    """In place, (heads, rows, keys): the softmax of scale times what each row sees; the last row sees all keys."""
    values = floats(scores, (heads, rows, keys))
    for h in range(heads):
        for i in range(rows):
            seen = keys - rows + i + 1
            row = values[h, i]
            largest, total = largest_of(row[:seen]), _ZERO
            for j in range(seen):
                row[j] = exp((row[j] - largest) * scale)
                total += row[j]
            inverse = ONE / total
            for j in range(seen):
                row[j] *= inverse
            row[seen:] = 0


@loop(2, 3, 1)
def causal_softmax_back(of_p: int, p: int, heads: int, rows: int, keys: int, scale: float) -> None:
    """In place of of_p: scale p (dp - sum p dp)."""
    gradients, values = floats(of_p, (heads, rows, keys)), floats(p, (heads, rows, keys))
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
