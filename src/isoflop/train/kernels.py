"""Loops that Numba compiles: each reads and writes the numbers of a row once, while they are in the core's cache.

Only `passes.py` calls them, by the addresses of whole, contiguous float32 arrays: an array object for every argument
of every call would cost as much as the loops of a small model. `of_x` is the gradient of x. They are compiled once a
machine, in seconds, and kept in Numba's cache on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types

# sums in any order; infinities and NaN stay what they are, by which a run that diverges is told
_RULES: dict[str, Any] = {
    "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
    "error_model": "numpy",
    "cache": True,
}
NORM_EPS = 1e-6
_f = np.float32
_EPS, _ONE, _HALF, _TWO = _f(NORM_EPS), _f(1), _f(0.5), _f(2)
_LOG2_E = _f(1 / math.log(2))
# ln 2 in two parts, of which the first has few digits: whole multiples of it are exact (Cody & Waite 1980)
_LN2_HIGH, _LN2_LOW = _f(0.693359375), _f(math.log(2) - 0.693359375)
_LOWEST, _HIGHEST = _f(-87), _f(88)
_C2, _C3, _C4, _C5, _C6, _C7 = (_f(1 / math.factorial(n)) for n in range(2, 8))
_LEAST, _SIGN, _VALUE = np.int32(-(2**31)), np.int32(31), np.int32(2**31 - 1)
_TANH_A, _TANH_B = _f(math.sqrt(2 / math.pi)), _f(0.044715)


def _loop(arrays: int, sizes: int, factors: int = 0) -> Callable[[Callable[..., None]], Any]:
    """Compiles a function of that many addresses, sizes and float32 factors."""
    signature = types.void(*[types.voidptr] * arrays, *[types.intp] * sizes, *[types.float32] * factors)
    return lambda function: cfunc(signature, **_RULES)(function).ctypes


@njit(inline="always", **_RULES)
def _floats(address: int, shape: tuple[int, ...]) -> np.ndarray:
    return carray(address, shape, np.float32)


@njit(inline="always", **_RULES)
def _exp(x: np.float32) -> np.float32:
    """e^x to 2e-7 of itself, between e^-87 and e^88: a library's is not compiled to vectors.

    2^n e^r with n whole and |r| <= ln 2 / 2, by the series to r^7.
    """
    x = min(max(x, _LOWEST), _HIGHEST)
    n = np.floor(x * _LOG2_E + _HALF)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    series = ((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return ((series * r + _ONE) * r + _ONE) * power


@njit(inline="always", **_RULES)
def _largest(row: np.ndarray) -> np.float32:
    # compared as whole numbers in the same order, which is compiled to vectors; NaN comes out largest
    bits, largest = row.view(np.int32), _LEAST
    for j in range(len(bits)):
        largest = max(largest, bits[j] ^ ((bits[j] >> _SIGN) & _VALUE))
    return np.int32(largest ^ ((largest >> _SIGN) & _VALUE)).view(np.float32)


@_loop(4, 2)
def rms_norm(x, gain, normed, inverse, rows, width):
    """normed = x inverse gain by row, inverse = 1 over the root mean square."""
    xs, ys = _floats(x, (rows, width)), _floats(normed, (rows, width))
    gains, inverses = _floats(gain, width), _floats(inverse, rows)
    for t in range(rows):
        row, out = xs[t], ys[t]
        squares = _f(0)
        for j in range(width):
            squares += row[j] * row[j]
        r = _ONE / np.sqrt(squares / _f(width) + _EPS)
        inverses[t] = r
        for j in range(width):
            out[j] = row[j] * r * gains[j]


@_loop(6, 2)
def add_rms_norm(x, more, gain, total, normed, inverse, rows, width):
    """total = x + more, then as `rms_norm` of it."""
    xs, ms = _floats(x, (rows, width)), _floats(more, (rows, width))
    sums, ys = _floats(total, (rows, width)), _floats(normed, (rows, width))
    gains, inverses = _floats(gain, width), _floats(inverse, rows)
    for t in range(rows):
        row, added, out, scaled = xs[t], ms[t], sums[t], ys[t]
        squares = _f(0)
        for j in range(width):
            value = row[j] + added[j]
            out[j] = value
            squares += value * value
        r = _ONE / np.sqrt(squares / _f(width) + _EPS)
        inverses[t] = r
        for j in range(width):
            scaled[j] = out[j] * r * gains[j]


@_loop(7, 2)
def rms_norm_back(of_normed, so_far, x, gain, inverse, of_x, of_gain, rows, width):
    """of_x = so_far + r g dy - x r^3 mean(g dy x), from dr/dx = -x r^3 / width; adds to of_gain."""
    ys, before = _floats(of_normed, (rows, width)), _floats(so_far, (rows, width))
    xs, outs = _floats(x, (rows, width)), _floats(of_x, (rows, width))
    gains, of_gains, inverses = _floats(gain, width), _floats(of_gain, width), _floats(inverse, rows)
    for t in range(rows):
        grad, row, old, out, r = ys[t], xs[t], before[t], outs[t], inverses[t]
        along = _f(0)
        for j in range(width):
            product = grad[j] * row[j]
            along += product * gains[j]
            of_gains[j] += product * r
        along *= r * r * r / _f(width)
        for j in range(width):
            out[j] = old[j] + grad[j] * gains[j] * r - row[j] * along


@_loop(6, 6)
def turn_heads(qkv, gain, cos, sin, heads, inverse, batch, length, all_heads, turning, half, normed):
    """heads = queries and keys of qkv, normed by head if `normed`, their halves turned by the position; and values.

    qkv (batch, length, all_heads, 2 half), gain (turning, 2 half), cos and sin (length, half), heads (all_heads, batch,
    length, 2 half), inverse (batch, length, turning).
    """
    ins = _floats(qkv, (batch, length, all_heads, 2, half))
    outs, inverses = _floats(heads, (all_heads, batch, length, 2, half)), _floats(inverse, (batch, length, turning))
    gains, cosines, sines = _floats(gain, (turning, 2, half)), _floats(cos, (length, half)), _floats(sin, (length, half))
    for b in range(batch):
        for t in range(length):
            c, s = cosines[t], sines[t]
            for h in range(turning):
                first, second, g, g2 = ins[b, t, h, 0], ins[b, t, h, 1], gains[h, 0], gains[h, 1]
                out, out2 = outs[h, b, t, 0], outs[h, b, t, 1]
                if normed:
                    squares = _f(0)
                    for j in range(half):
                        squares += first[j] * first[j] + second[j] * second[j]
                    r = _ONE / np.sqrt(squares / _f(2 * half) + _EPS)
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


@_loop(10, 7)
def turn_heads_back(
    of_q, of_k, of_v, qkv, gain, cos, sin, inverse, of_qkv, of_gain,
    batch, length, all_heads, queries, keys, half, normed,
):
    """of_qkv from the gradients of q, k and v (heads, batch, length, 2 half); adds to of_gain."""
    turning = queries + keys
    q, k = _floats(of_q, (queries, batch, length, 2, half)), _floats(of_k, (keys, batch, length, 2, half))
    v, outs = _floats(of_v, (keys, batch, length, 2, half)), _floats(of_qkv, (batch, length, all_heads, 2, half))
    ins, inverses = _floats(qkv, (batch, length, all_heads, 2, half)), _floats(inverse, (batch, length, turning))
    gains, of_gains = _floats(gain, (turning, 2, half)), _floats(of_gain, (turning, 2, half))
    cosines, sines = _floats(cos, (length, half)), _floats(sin, (length, half))
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
                along = _f(0)
                for j in range(half):
                    u, w = d[j] * c[j] + d2[j] * s[j], d2[j] * c[j] - d[j] * s[j]
                    out[j], out2[j] = u, w
                    along += u * first[j] * g[j] + w * second[j] * g2[j]
                    og[j] += u * first[j] * r
                    og2[j] += w * second[j] * r
                along *= r * r * r / _f(2 * half)
                for j in range(half):
                    out[j] = out[j] * g[j] * r - first[j] * along
                    out2[j] = out2[j] * g2[j] * r - second[j] * along
            for h in range(keys):
                outs[b, t, turning + h] = v[h, b, t]


@_loop(2, 2)
def swiglu(inner, product, rows, width):
    """product = silu(gate) up, of rows that hold gate and up."""
    ins, outs = _floats(inner, (rows, 2, width)), _floats(product, (rows, width))
    for t in range(rows):
        gate, up, out = ins[t, 0], ins[t, 1], outs[t]
        for j in range(width):
            out[j] = gate[j] / (_ONE + _exp(-gate[j])) * up[j]


@_loop(3, 2)
def swiglu_back(of_product, inner, of_inner, rows, width):
    """d silu(g) = s + g s (1 - s) with s the logistic function of g."""
    grads, ins, outs = _floats(of_product, (rows, width)), _floats(inner, (rows, 2, width)), _floats(of_inner, (rows, 2, width))
    for t in range(rows):
        gate, up, grad, of_gate, of_up = ins[t, 0], ins[t, 1], grads[t], outs[t, 0], outs[t, 1]
        for j in range(width):
            of_gate[j] = _ONE / (_ONE + _exp(-gate[j]))
        # one array written a loop: more and the compiler cannot tell that they do not overlap
        for j in range(width):
            of_up[j] = grad[j] * gate[j] * of_gate[j]
        for j in range(width):
            of_gate[j] *= grad[j] * up[j] * (_ONE + gate[j] * (_ONE - of_gate[j]))


@_loop(2, 1)
def gelu_tanh(x, out, size):
    """x/2 (1 + tanh u) = x / (1 + e^-2u), u = a (x + b x^3) (Hendrycks & Gimpel 2016, section 2)."""
    xs, outs = _floats(x, size), _floats(out, size)
    for j in range(size):
        u = _TANH_A * xs[j] * (_ONE + _TANH_B * xs[j] * xs[j])
        outs[j] = xs[j] / (_ONE + _exp(-_TWO * u))


@_loop(3, 1)
def gelu_tanh_back(grad, x, of_x, size):
    """With s = 1 / (1 + e^-2u): s + 2 x s (1 - s) du/dx."""
    grads, xs, outs = _floats(grad, size), _floats(x, size), _floats(of_x, size)
    for j in range(size):
        square = _TANH_B * xs[j] * xs[j]
        s = _ONE / (_ONE + _exp(-_TWO * _TANH_A * xs[j] * (_ONE + square)))
        outs[j] = grads[j] * (s + _TWO * xs[j] * s * (_ONE - s) * _TANH_A * (_ONE + _f(3) * square))


@_loop(4, 2)
def nats(logits, targets, found, log_z, rows, width):
    """found = log_z - the target's logit, log_z the logarithm of the softmax's sum."""
    ins, tokens, outs, sums = _floats(logits, (rows, width)), carray(targets, rows, np.int64), _floats(found, rows), _floats(log_z, rows)
    for t in range(rows):
        row = ins[t]
        largest = _largest(row)
        total = _f(0)
        for j in range(width):
            total += _exp(row[j] - largest)
        sums[t] = largest + np.log(total)
        outs[t] = sums[t] - row[tokens[t]]


@_loop(5, 2)
def nats_back(grad, logits, targets, log_z, of_logits, rows, width):
    """Softmax less one at the target, times the gradient of the row."""
    ins, tokens, outs = _floats(logits, (rows, width)), carray(targets, rows, np.int64), _floats(of_logits, (rows, width))
    grads, sums = _floats(grad, rows), _floats(log_z, rows)
    for t in range(rows):
        row, out, g, z = ins[t], outs[t], grads[t], sums[t]
        for j in range(width):
            out[j] = g * _exp(row[j] - z)
        out[tokens[t]] -= g


@_loop(1, 3, 1)
def causal_softmax(scores, heads, rows, keys, scale):
    """In place, (heads, rows, keys): the softmax of scale times what each row sees; the last row sees all keys."""
    values = _floats(scores, (heads, rows, keys))
    for h in range(heads):
        for i in range(rows):
            seen = keys - rows + i + 1
            row = values[h, i]
            largest, total = _largest(row[:seen]), _f(0)
            for j in range(seen):
                row[j] = _exp((row[j] - largest) * scale)
                total += row[j]
            inverse = _ONE / total
            for j in range(seen):
                row[j] *= inverse
            row[seen:] = 0


@_loop(2, 3, 1)
def causal_softmax_back(of_p, p, heads, rows, keys, scale):
    """In place of of_p: scale p (dp - sum p dp)."""
    gradients, values = _floats(of_p, (heads, rows, keys)), _floats(p, (heads, rows, keys))
    for h in range(heads):
        for i in range(rows):
            seen = keys - rows + i + 1
            grad, row = gradients[h, i], values[h, i]
            along = _f(0)
            for j in range(seen):
                along += row[j] * grad[j]
            for j in range(seen):
                grad[j] = row[j] * (grad[j] - along) * scale
            grad[seen:] = 0
