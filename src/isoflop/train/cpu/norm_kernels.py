"""Loops over rows that are normed, see kernels.py."""

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
def add_rms_norm(x: int, more: int, gain: int, total: int, normed: int, inverse: int, rows: int, width: int) -> None:
    """total = x + more, then as `rms_norm` of it."""
    xs, ms = floats(x, (rows, width)), floats(more, (rows, width))
    sums, ys = floats(total, (rows, width)), floats(normed, (rows, width))
    gains, inverses = floats(gain, width), floats(inverse, rows)
    for t in range(rows):
        row, added, out, scaled = xs[t], ms[t], sums[t], ys[t]
        squares = _ZERO
        for j in range(width):
            value = row[j] + added[j]
            out[j] = value
            squares += value * value
        r = ONE / np.sqrt(squares / np.float32(width) + EPS)
        inverses[t] = r
        for j in range(width):
            scaled[j] = out[j] * r * gains[j]


@loop(7, 2)
def rms_norm_back(
    of_normed: int, so_far: int, x: int, gain: int, inverse: int, of_x: int, of_gain: int, rows: int, width: int
) -> None:
    """of_x = so_far + r g dy - x r^3 mean(g dy x), from dr/dx = -x r^3 / width; adds to of_gain."""
    ys, before = floats(of_normed, (rows, width)), floats(so_far, (rows, width))
    xs, outs = floats(x, (rows, width)), floats(of_x, (rows, width))
    gains, of_gains, inverses = floats(gain, width), floats(of_gain, width), floats(inverse, rows)
    for t in range(rows):
        grad, row, old, out, r = ys[t], xs[t], before[t], outs[t], inverses[t]
        along = _ZERO
        for j in range(width):
            product = grad[j] * row[j]
            along += product * gains[j]
            of_gains[j] += product * r
        along *= r * r * r / np.float32(width)
        for j in range(width):
            out[j] = old[j] + grad[j] * gains[j] * r - row[j] * along
