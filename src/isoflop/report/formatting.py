"""Numbers as a reader meets them: intervals, percentages, losses; a missing one is a dash, never a zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from isoflop.units import format_number, format_quantity

DASH = "–"


def format_or_dash(value: float | None, how: Callable[[float], str] = format_quantity) -> str:
    """`value` by `how`, or a dash where there is none.

    >>> format_or_dash(98304.0), format_or_dash(None)
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


def share_text(share: float) -> str:
    """A share in per cent, such as the level of an interval.

    >>> share_text(0.9)
    '90 %'
    """
    return f"{format_number(100 * share, 6)} %"


def interval_text(interval: Sequence[float] | None, how: Callable[[float], str] = format_quantity) -> str:
    """`[low, high]` -> `low to high`; a dash where there is none.

    >>> interval_text([2.1e4, 4.5e4])
    '21K to 45K'
    """
    return DASH if interval is None else f"{how(interval[0])} to {how(interval[1])}"


def with_interval(
    value: float | None, interval: Sequence[float] | None, how: Callable[[float], str] = format_quantity
) -> str:
    """`value (low to high)`, or the value alone where no interval is known."""
    return format_or_dash(value, how) + (f" ({interval_text(interval, how)})" if interval is not None else "")


def moment(unix: float) -> str:
    """A time in Unix seconds, to the minute in UTC.

    >>> moment(0.0)
    '1970-01-01 00:00 UTC'
    """
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M UTC")


def in_words(code: str) -> str:
    """A code of a record as words.

    >>> in_words("nats_per_token"), in_words("non_embedding")
    ('nats per token', 'non-embedding')
    """
    names = {"non_embedding": "non-embedding", "six_n": "6N", "six_n_non_embedding": "6N (non-embedding)"}
    return names.get(code, code.replace("_", " "))
