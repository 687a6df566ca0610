"""Compiled loops of RMSNorm, see kernels.py. Every tensor is (rows, width), but gains (width) and inverses (rows)."""

from __future__ import annotations

import numpy as np

from isoflop.arch import NORM_EPS
from isoflop.train.cpu.kernels import ONE, floats, loop

EPS = np.float32(NORM_EPS)
_ZERO = np.float32(0)


@loop(4, 2)
def rms_norm(x: int, gain: int, normed: int, inverse: int, rows: int, width: int) -> None:
    """normed = x inverse gain by row, inverse = 1 over the root mean square."""
    xs, ys = floats(x, (rows, width)), floats(normed, (rows, width))
    gains, inverses = floats(gain, width), floats(inverse, rows)
    for t in range(rows):
        row, out = xs[t], ys[t]
        squares = _ZERO
        for j in range(width):
            squares += row[j] * row[j]
        r = ONE / np.sqrt(squares / np.float32(width) + EPS)
        inverses[t] = r
        for j in range(width):
            out[j] = row[j] * r * gains[j]


@loop(6, 2)
def add_rms_norm(x: int, update: int, gain: int, total: int, normed: int, inverse: int, rows: int, width: int) -> None:
    """total = x + update, then as `rms_norm` of total."""
    xs, updates = floats(x, (rows, width)), floats(update, (rows, width))
    sums, ys = floats(total, (rows, width)), floats(normed, (rows, width))
    gains, inverses = floats(gain, width), floats(inverse, rows)
    for t in range(rows):
        row, added, out, scaled = xs[t], updates[t], sums[t], ys[t]
        squares = _ZERO
        # the sum of squares is taken in the pass that writes the sum, while its values are in registers
        for j in range(width):
            value = row[j] + added[j]
            out[j] = value
            squares += value * value
        r = ONE / np.sqrt(squares / np.float32(width) + EPS)
        inverses[t] = r
        for j in range(width):
            scaled[j] = out[j] * r * gains[j]


@loop(7, 2)
def rms_norm_backward(
    grad_normed: int,
    grad_residual: int,
    x: int,
    gain: int,
    inverse: int,
    grad_x: int,
    grad_gain: int,
    rows: int,
    width: int,
) -> None:
    """grad_x = grad_residual + r g dy - x r^3 mean(g dy x), from dr/dx = -x r^3 / width; adds to grad_gain."""
    ys, residuals = floats(grad_normed, (rows, width)), floats(grad_residual, (rows, width))
    xs, outs = floats(x, (rows, width)), floats(grad_x, (rows, width))
    gains, grad_gains, inverses = floats(gain, width), floats(grad_gain, width), floats(inverse, rows)
    for t in range(rows):
        grad, row, residual, out, r = ys[t], xs[t], residuals[t], outs[t], inverses[t]
        # g dy x summed over the row: how far the gradient changes the row's root mean square
        along = _ZERO
        for j in range(width):
            product = grad[j] * row[j]
            along += product * gains[j]
            grad_gains[j] += product * r
        along *= r * r * r / np.float32(width)
        for j in range(width):
            out[j] = residual[j] + grad[j] * gains[j] * r - row[j] * along
