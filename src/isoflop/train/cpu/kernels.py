"""Loops that Numba compiles: each reads and writes the values of a row once, while they are in the core's cache.

Only `ops.py`, `norms.py` and `heads.py` call them, by the addresses of contiguous float32 arrays: an array object for
every argument of every call would cost as much as the loops of a small model. `grad_x` is the gradient of the loss with
respect to x. They are compiled once a machine, in seconds, and stored in Numba's cache on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types

# All of LLVM's fast math but `nnan` and `ninf`: sums may be taken in any order, which is what vector registers need,
# and infinities and NaN propagate, since a diverged run is recognised by a loss that is not finite.
# `error_model`: a division by 0 is an infinity as in NumPy, where Python would need a branch that stops vectorisation.
RULES: dict[str, Any] = {
    "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
    "error_model": "numpy",
    "cache": True,
}
_f = np.float32
ONE, _HALF, _TWO = _f(1), _f(0.5), _f(2)
_LOG2_E = _f(1 / math.log(2))
# ln 2 in two parts, of which the first has few digits: integer multiples of it are exact, so that x - n ln 2 loses
# nothing to cancellation (Cody & Waite 1980, chapter 6)
_LN2_HIGH, _LN2_LOW = _f(0.693359375), _f(math.log(2) - 0.693359375)
# e^-87 is near the smallest normal float32 and e^88 near the largest: beyond, 2^n would leave the exponent's 8 bits
_LOWEST, _HIGHEST = _f(-87), _f(88)
_C2, _C3, _C4, _C5, _C6, _C7 = (_f(1 / math.factorial(n)) for n in range(2, 8))
# the smallest int32, the place of a float's sign bit, and a mask of all other bits
_LEAST, _SIGN, _VALUE = np.int32(-(2**31)), np.int32(31), np.int32(2**31 - 1)
# sqrt(2 / pi) and the cubic term of the tanh approximation (Hendrycks & Gimpel 2016, section 2)
_TANH_A, _TANH_B = _f(math.sqrt(2 / math.pi)), _f(0.044715)


def loop(arrays: int, sizes: int, factors: int = 0) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator that compiles a function of that many addresses, sizes and float32 factors, in this order.

    The result is a C function called through ctypes, which spares every call Numba's dispatch on its arguments' types.
    """
    signature = types.void(*[types.voidptr] * arrays, *[types.intp] * sizes, *[types.float32] * factors)
    return lambda function: cfunc(signature, **RULES)(function).ctypes


@njit(inline="always", **RULES)
def floats(address: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 array of `shape` at `address`; nothing is copied."""
    return carray(address, shape, np.float32)


@njit(inline="always", **RULES)
def _integers(address: Any, size: int) -> np.ndarray:
    return carray(address, size, np.int64)


@njit(inline="always", **RULES)
def exp(x: np.float32) -> np.float32:
    """e^x to a relative error of 2e-7, clamped to e^-87 and e^88; a library's `exp` would not be compiled to vectors.

    2^n e^r with an integer n and |r| <= ln 2 / 2, and e^r by its series to r^7.
    """
    # comparisons with NaN are false, so that a NaN passes both clamps
    x = _LOWEST if x < _LOWEST else x
    x = _HIGHEST if x > _HIGHEST else x
    n = np.floor(x * _LOG2_E + _HALF)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    series = ((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2
    # 2^n without a call: n + 127 in the exponent's bits of a float32 whose mantissa is 0
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return ((series * r + ONE) * r + ONE) * power


@njit(inline="always", **RULES)
def largest_of(row: np.ndarray) -> np.float32:
    """The largest value of a row, NaN counting as larger than any; compared as integers, which compiles to vectors."""
    # the bits of positive floats order as integers do; those of negative ones in reverse, which flipping all but the
    # sign undoes. The flip is its own inverse, so it is done once more on the result.
    bits, largest = row.view(np.int32), _LEAST
    for j in range(len(bits)):
        largest = max(largest, bits[j] ^ ((bits[j] >> _SIGN) & _VALUE))
    return np.int32(largest ^ ((largest >> _SIGN) & _VALUE)).view(np.float32)


@loop(2, 2)
def swiglu(inner: int, product: int, rows: int, width: int) -> None:
    """product (rows, width) = silu(gate) * up, where inner (rows, 2, width) holds gate and up."""
    ins, outs = floats(inner, (rows, 2, width)), floats(product, (rows, width))
    for t in range(rows):
        gate, up, out = ins[t, 0], ins[t, 1], outs[t]
        for j in range(width):
            out[j] = gate[j] / (ONE + exp(-gate[j])) * up[j]


@loop(3, 2)
def swiglu_backward(grad_product: int, inner: int, grad_inner: int, rows: int, width: int) -> None:
    """grad_inner (rows, 2, width), by d silu(g)/dg = s (1 + g (1 - s)) with s the logistic function of g."""
    grads, ins, outs = (
        floats(grad_product, (rows, width)),
        floats(inner, (rows, 2, width)),
        floats(grad_inner, (rows, 2, width)),
    )
    for t in range(rows):
        gate, up, grad, grad_gate, grad_up = ins[t, 0], ins[t, 1], grads[t], outs[t, 0], outs[t, 1]
        for j in range(width):
            grad_gate[j] = ONE / (ONE + exp(-gate[j]))
        # each loop writes one array: with two the compiler cannot prove that they do not overlap, and uses no vectors.
        # The gate's gradient holds s until the last loop, in place of a buffer of its own.
        for j in range(width):
            grad_up[j] = grad[j] * gate[j] * grad_gate[j]
        for j in range(width):
            grad_gate[j] *= grad[j] * up[j] * (ONE + gate[j] * (ONE - grad_gate[j]))


@loop(2, 1)
def gelu_tanh(x: int, out: int, size: int) -> None:
    """out = x/2 (1 + tanh u) = x / (1 + e^-2u), u = a (x + b x^3) (Hendrycks & Gimpel 2016, section 2)."""
    xs, outs = floats(x, size), floats(out, size)
    for j in range(size):
        u = _TANH_A * xs[j] * (ONE + _TANH_B * xs[j] * xs[j])
        outs[j] = xs[j] / (ONE + exp(-_TWO * u))


@loop(3, 1)
def gelu_tanh_backward(grad: int, x: int, grad_x: int, size: int) -> None:
    """grad_x = grad (s + 2 x s (1 - s) du/dx) with s = 1 / (1 + e^-2u) and du/dx = a (1 + 3 b x^2)."""
    grads, xs, outs = floats(grad, size), floats(x, size), floats(grad_x, size)
    for j in range(size):
        square = _TANH_B * xs[j] * xs[j]
        s = ONE / (ONE + exp(-_TWO * _TANH_A * xs[j] * (ONE + square)))
        outs[j] = grads[j] * (s + _TWO * xs[j] * s * (ONE - s) * _TANH_A * (ONE + _f(3) * square))


@loop(4, 2)
def nats(logits: int, targets: int, losses: int, log_z: int, rows: int, width: int) -> None:
    """losses (rows) = log_z - the target's logit, log_z (rows) the logarithm of the softmax's sum over the row."""
    ins, tokens, outs, sums = (
        floats(logits, (rows, width)),
        _integers(targets, rows),
        floats(losses, rows),
        floats(log_z, rows),
    )
    for t in range(rows):
        row = ins[t]
        # less the largest, no power overflows, and the sum is at least 1
        largest = largest_of(row)
        total = _f(0)
        for j in range(width):
            total += exp(row[j] - largest)
        sums[t] = largest + np.log(total)
        outs[t] = sums[t] - row[tokens[t]]


@loop(5, 2)
def nats_backward(grad: int, logits: int, targets: int, log_z: int, grad_logits: int, rows: int, width: int) -> None:
    """grad_logits (rows, width): the softmax, less 1 at the target, times the gradient of the row's loss."""
    ins, tokens, outs = (
        floats(logits, (rows, width)),
        _integers(targets, rows),
        floats(grad_logits, (rows, width)),
    )
    grads, sums = floats(grad, rows), floats(log_z, rows)
    for t in range(rows):
        row, out, g, z = ins[t], outs[t], grads[t], sums[t]
        for j in range(width):
            out[j] = g * exp(row[j] - z)
        out[tokens[t]] -= g
