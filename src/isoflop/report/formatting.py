"""Numbers as a reader meets them: intervals, percentages, losses; a missing one is a dash, never a zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from isoflop.units import format_quantity

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
    """A signed share in per cent, with a minus sign as wide as the plus: 0.0123 -> `+1.23 %`."""
    return f"{100 * fraction:+.{digits}f} %".replace("-", "−")


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


def moment(value: float | str) -> str:
    """A time, given in Unix seconds or as ISO text, to the minute in UTC; other text as it is.

    >>> moment(0.0), moment("2025-06-01T13:40:12+02:00"), moment("yesterday")
    ('1970-01-01 00:00 UTC', '2025-06-01 11:40 UTC', 'yesterday')
    """
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            return value
        if when.tzinfo is None:
            return when.strftime("%Y-%m-%d %H:%M")
    else:
        when = datetime.fromtimestamp(value, UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
