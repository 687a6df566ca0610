"""Times as people write them: a date, or a date and a time of day, in UTC unless they say otherwise."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from isoflop.errors import InputError, quoted

_LATEST = 2.5e11  # Unix time of the year 9892: calendars end in 9999


def unix_time(text: str | float, what: str) -> float:
    """The Unix time of an ISO 8601 date or time such as `2026-03-01` or `2026-03-01T14:30+02:00`, or of a number.

    Raises InputError, which names `what`, for anything else.

    >>> unix_time("2026-03-01", "--when")
    1772323200.0
    """
    try:
        if isinstance(text, str):
            when = datetime.fromisoformat(text.strip())
            value = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        else:
            value = float(text)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{what}: expected a date such as 2026-03-01, got {quoted(text)}") from error
    if not (math.isfinite(value) and 0 <= value < _LATEST):
        raise InputError(f"{what}: expected a time from 1970 on, got {quoted(text)}")
    return value


def day(unix: float) -> str:
    """The date of a Unix time, in UTC.

    >>> day(1772323200.0)
    '2026-03-01'
    """
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d")
