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
RULES: dict[str, Any] = {
    "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
    "error_model": "numpy",
    "cache": True,
}
_f = np.float32
ONE, _HALF, _TWO = _f(1), _f(0.5), _f(2)
_LOG2_E = _f(1 / math.log(2))
# ln 2 in two parts, of which the first has few digits: whole multiples of it are exact (Cody & Waite 1980)
_LN2_HIGH, _LN2_LOW = _f(0.693359375), _f(math.log(2) - 0.693359375)
_LOWEST, _HIGHEST = _f(-87), _f(88)
_C2, _C3, _C4, _C5, _C6, _C7 = (_f(1 / math.factorial(n)) for n in range(2, 8))
_LEAST, _SIGN, _VALUE = np.int32(-(2**31)), np.int32(31), np.int32(2**31 - 1)
_TANH_A, _TANH_B = _f(math.sqrt(2 / math.pi)), _f(0.044715)


def loop(arrays: int, sizes: int, factors: int = 0) -> Callable[[Callable[..., None]], Any]:
    """Compiles a function of that many addresses, sizes and float32 factors."""
    signature = types.void(*[types.voidptr] * arrays, *[types.intp] * sizes, *[types.float32] * factors)
    return lambda function: cfunc(signature, **RULES)(function).ctypes


@njit(inline="always", **RULES)
def floats(address: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 array of that shape at an address."""
    return carray(address, shape, np.float32)


@njit(inline="always", **RULES)
def _whole_numbers(address: Any, size: int) -> np.ndarray:
    return carray(address, size, np.int64)


@njit(inline="always", **RULES)
def exp(x: np.float32) -> np.float32:
    """e^x to 2e-7 of itself, between e^-87 and e^88: a library's is not compiled to vectors.

    2^n e^r with n whole and |r| <= ln 2 / 2, by the series to r^7.
    """
    x = _LOWEST if x < _LOWEST else x  # so written NaN stays NaN
    x = _HIGHEST if x > _HIGHEST else x
    n = np.floor(x * _LOG2_E + _HALF)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    series = ((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return ((series * r + ONE) * r + ONE) * power


@njit(inline="always", **RULES)
def largest_of(row: np.ndarray) -> np.float32:
    """The largest number of a row, NaN being larger than any: compared as whole numbers, which compiles to vectors."""
    bits, largest = row.view(np.int32), _LEAST
    for j in range(len(bits)):
        largest = max(largest, bits[j] ^ ((bits[j] >> _SIGN) & _VALUE))
    return np.int32(largest ^ ((largest >> _SIGN) & _VALUE)).view(np.float32)


@loop(2, 2)
def swiglu(inner: int, product: int, rows: int, width: int) -> None:
    """product = silu(gate) up, of rows that hold gate and up."""
    ins, outs = floats(inner, (rows, 2, width)), floats(product, (rows, width))
    for t in range(rows):
        gate, up, out = ins[t, 0], ins[t, 1], outs[t]
        for j in range(width):
            out[j] = gate[j] / (ONE + exp(-gate[j])) * up[j]


@loop(3, 2)
def swiglu_back(of_product: int, inner: int, of_inner: int, rows: int, width: int) -> None:
    """d silu(g) = s + g s (1 - s) with s the logistic function of g."""
    grads, ins, outs = (
        floats(of_product, (rows, width)),
        floats(inner, (rows, 2, width)),
        floats(of_inner, (rows, 2, width)),
    )
    for t in range(rows):
        gate, up, grad, of_gate, of_up = ins[t, 0], ins[t, 1], grads[t], outs[t, 0], outs[t, 1]
        for j in range(width):
            of_gate[j] = ONE / (ONE + exp(-gate[j]))
        # one array written a loop: more and the compiler cannot tell that they do not overlap
        for j in range(width):
            of_up[j] = grad[j] * gate[j] * of_gate[j]
        for j in range(width):
            of_gate[j] *= grad[j] * up[j] * (ONE + gate[j] * (ONE - of_gate[j]))


@loop(2, 1)
def gelu_tanh(x: int, out: int, size: int) -> None:
    """x/2 (1 + tanh u) = x / (1 + e^-2u), u = a (x + b x^3) (Hendrycks & Gimpel 2016, section 2)."""
    xs, outs = floats(x, size), floats(out, size)
    for j in range(size):
        u = _TANH_A * xs[j] * (ONE + _TANH_B * xs[j] * xs[j])
        outs[j] = xs[j] / (ONE + exp(-_TWO * u))


@loop(3, 1)
def gelu_tanh_back(grad: int, x: int, of_x: int, size: int) -> None:
    """With s = 1 / (1 + e^-2u): s + 2 x s (1 - s) du/dx."""
    grads, xs, outs = floats(grad, size), floats(x, size), floats(of_x, size)
    for j in range(size):
        square = _TANH_B * xs[j] * xs[j]
        s = ONE / (ONE + exp(-_TWO * _TANH_A * xs[j] * (ONE + square)))
        outs[j] = grads[j] * (s + _TWO * xs[j] * s * (ONE - s) * _TANH_A * (ONE + _f(3) * square))


@loop(4, 2)
def nats(logits: int, targets: int, found: int, log_z: int, rows: int, width: int) -> None:
    """found = log_z - the target's logit, log_z the logarithm of the softmax's sum."""
    ins, tokens, outs, sums = (
        floats(logits, (rows, width)),
        _whole_numbers(targets, rows),
        floats(found, rows),
        floats(log_z, rows),
    )
    for t in range(rows):
        row = ins[t]
        largest = largest_of(row)
        total = _f(0)
        for j in range(width):
            total += exp(row[j] - largest)
        sums[t] = largest + np.log(total)
        outs[t] = sums[t] - row[tokens[t]]


@loop(5, 2)
def nats_back(grad: int, logits: int, targets: int, log_z: int, of_logits: int, rows: int, width: int) -> None:
    """Softmax less one at the target, times the gradient of the row."""
    ins, tokens, outs = (
        floats(logits, (rows, width)),
        _whole_numbers(targets, rows),
        floats(of_logits, (rows, width)),
    )
    grads, sums = floats(grad, rows), floats(log_z, rows)
    for t in range(rows):
        row, out, g, z = ins[t], outs[t], grads[t], sums[t]
        for j in range(width):
            out[j] = g * exp(row[j] - z)
        out[tokens[t]] -= g
