"""Student's t, chi-square and F: tail probabilities and quantiles, of the small samples that comparisons are made of.

By the continued fractions of the incomplete beta and gamma functions (Abramowitz and Stegun 1964, 26.5.8 and 6.5.31)
and the power series of the latter (6.5.29), exact to about 1e-12; a quantile is the root by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from isoflop.arrays import Array

_TINY = 1e-300
_TERMS = 2000
_LAST = 1e-15
_TABLE = 8001  # points of a table of the t distribution: its shares are then right to 1e-6
_MOST_DEGREES = 1e7  # the normal distribution, for a table


def student_upper(t: float, dof: float) -> float:
    """Returns P(T > t) of Student's t with `dof` degrees of freedom, which need not be whole; infinite is the normal.

    >>> round(student_upper(2.015048, 5), 6)
    0.05
    """
    if math.isinf(dof):
        return 0.5 * math.erfc(t / math.sqrt(2))
    tail = 0.5 * _beta_share(dof / 2, 0.5, dof / (dof + t * t))
    return tail if t >= 0 else 1 - tail


@lru_cache(maxsize=1024)
def student_quantile(share: float, dof: float) -> float:
    """Returns the t below which `share` of Student's distribution lies.

    >>> round(student_quantile(0.95, 1), 4), round(student_quantile(0.95, math.inf), 4)
    (6.3138, 1.6449)
    """
    if share < 0.5:
        return -student_quantile(1 - share, dof)
    return _root(lambda t: student_upper(t, dof) - (1 - share))


def student_shares(t: Array, dof: float) -> Array:
    """Returns P(T <= t) of many t, from a table that is right to 1e-6."""
    at, share = _student_table(dof)
    return np.asarray(np.interp(t, at, share))


def student_grid(count: int, dof: float) -> Array:
    """Returns the middles of `count` equally likely parts of Student's distribution, (count,), symmetric about 0."""
    at, share = _student_table(dof)
    lower = np.interp((np.arange(count // 2) + 0.5) / count, share, at)
    return np.concatenate([lower, np.zeros(count % 2), -lower[::-1]])


@lru_cache(maxsize=64)
def _student_table(dof: float) -> tuple[Array, Array]:
    """(t, P(T <= t)): with t = sqrt(dof) tan u the density in u is cos(u)^(dof - 1), summed by trapezoids."""
    degrees = min(dof, _MOST_DEGREES)
    widest = min(math.pi / 2 * (1 - 1e-9), 9 / math.sqrt(degrees)) if degrees > 100 else math.pi / 2 * (1 - 1e-9)
    u = np.linspace(-widest, widest, _TABLE)
    density = np.cos(u) ** (degrees - 1)
    share = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return math.sqrt(degrees) * np.tan(u), share / share[-1]


def chi_square_upper(x: float, dof: float) -> float:
    """Returns P(chi-square > x) with `dof` degrees of freedom."""
    return 1.0 if x <= 0 else _gamma_upper(dof / 2, x / 2)


@lru_cache(maxsize=1024)
def chi_square_quantile(share: float, dof: float) -> float:
    """Returns the x below which `share` of the distribution lies.

    >>> round(chi_square_quantile(0.95, 3), 4)
    7.8147
    """
    return _root(lambda x: chi_square_upper(x, dof) - (1 - share))


def f_upper(f: float, above: float, below: float) -> float:
    """Returns P(F > f) with `above` and `below` degrees of freedom.

    >>> round(f_upper(5.786135, 2, 5), 4)
    0.05
    """
    if f <= 0:
        return 1.0
    if math.isinf(below):
        return chi_square_upper(above * f, above)
    return _beta_share(below / 2, above / 2, below / (below + above * f))


def _root(falling: Callable[[float], float]) -> float:
    """The zero above 0 of a function that falls from a value above zero, to the last digit."""
    low, high = 0.0, 1.0
    while falling(high) > 0:
        low, high = high, 2 * high
    while high - low > 1e-14 * high:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return 0.5 * (low + high)


def _beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _away(1 + term * d), _away(1 + term / c)
            total *= d * c
        if abs(d * c - 1) < _LAST:
            break
    return total


def _gamma_upper(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x)."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, _TERMS):
            term *= x / (a + n)
            total += term
            if term < _LAST * total:
                break
        return 1 - front * total
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    total = d
    for n in range(1, _TERMS):
        b += 2
        d, c = 1 / _away(b - n * (n - a) * d), _away(b - n * (n - a) / c)
        total *= d * c
        if abs(d * c - 1) < _LAST:
            break
    return front * total


def _away(value: float) -> float:
    """`value`, kept from zero."""
    return value if abs(value) > _TINY else _TINY
