"""Numbers as a reader meets them: intervals, percentages, losses; a missing one is a dash, never a zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from isoflop.units import format_flops, format_quantity

DASH = "–"


def shown(value: float | None, how: Callable[[float], str] = format_quantity) -> str:
    """`value` by `how`, or a dash where there is none.

    >>> shown(98304.0), shown(None)
    ('98.3K', '–')
    """
    return DASH if value is None else how(value)


def loss_text(value: float) -> str:
    """A loss with four decimals: 1.73098 -> `1.7310`."""
    return f"{value:.4f}"


def exponent_text(value: float) -> str:
    """An exponent with three decimals."""
    return f"{value:.3f}"


def percent(fraction: float, digits: int = 2) -> str:
    """A signed share in per cent: 0.0123 -> `+1.23 %`."""
    return f"{100 * fraction:+.{digits}f} %"


def interval_text(interval: Sequence[float] | None, how: Callable[[float], str] = format_quantity) -> str:
    """`[low, high]` -> `low to high`; a dash where there is none.

    >>> interval_text([2.1e4, 4.5e4])
    '21K to 45K'
    """
    if not interval or interval[0] is None or interval[1] is None:
        return DASH
    return f"{how(interval[0])} to {how(interval[1])}"


def with_interval(
    value: float | None, interval: Sequence[float] | None, how: Callable[[float], str] = format_quantity
) -> str:
    """`value (low to high)`, or the value alone where no interval is known."""
    known = interval_text(interval, how)
    return shown(value, how) if known == DASH else f"{shown(value, how)} ({known})"


def power_law(symbol: str, coefficient: float | None, exponent: float | None) -> str:
    """`N = k C^a` with numbers, or the exponent alone where k is not stated."""
    if exponent is None:
        return DASH
    k = "" if coefficient is None else f"{format_flops(coefficient)} "
    return f"{symbol} = {k}C^{exponent:.3f}" if k else f"{symbol} ∝ C^{exponent:.3f}"
