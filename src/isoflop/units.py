"""Quantities as people write them <-> numbers. The only parser and formatter of quantities.

>>> parse_quantity("70B"), parse_quantity("5.76e23"), parse_quantity("1.4T")
(70000000000.0, 5.76e+23, 1400000000000.0)
>>> parse_duration("2h"), parse_devices("512xH100")
(7200.0, (512, 'H100'))
>>> format_quantity(1.4e12), format_flops(5.76e23), format_duration(95), format_bytes(3 * 2**30)
('1.4T', '5.76e23', '1 min 35 s', '3 GiB')
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from isoflop.errors import InputError, quoted

Quantity: TypeAlias = float | str
"""A number, or a text such as `70B` that `parse_quantity` reads."""

# Short-scale suffixes as the field writes model sizes and token counts ("70B", "1.4T").
_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21}
# Commas only between groups of three digits: "1,5B" is one and a half to some and would be read as fifteen, and no
# group of thousands follows a nought ("0,500").
_ENERGY = (("GWh", 1e6), ("MWh", 1e3), ("kWh", 1.0))
_NUMBER = r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?|\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WORDS = {"thousand": "K", "million": "M", "billion": "B", "trillion": "T"}
_QUANTITY = re.compile(rf"({_NUMBER})\s*([KkMGBbTtPEZ]?|{'|'.join(_WORDS)})\s*(?i:flops?|tokens?|params?|parameters?)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*[A-Za-z]*")
# "10^21" and "3 x 10^21", as papers print them: rewritten with an e before they are read.
_POWER_OF_TEN = re.compile(rf"(?:({_NUMBER})\s*[x*×·]\s*)?10\s*(?:\^|\*\*)\s*([+-]?\d{{1,3}})")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_SECONDS = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "m": _MINUTE, "min": _MINUTE, "h": _HOUR, "d": _DAY}
_SECONDS |= {"hour": _HOUR, "hours": _HOUR, "day": _DAY, "days": _DAY, "w": 7 * _DAY, "week": 7 * _DAY}
_SECONDS |= {"minute": _MINUTE, "minutes": _MINUTE, "seconds": 1.0, "weeks": 7 * _DAY}
_MONEY = re.compile(
    r"(?:(?P<sign>[$€£])|(?P<before>[A-Z]{3})\b)?\s*(?P<amount>.*?)\s*"
    r"(?:(?P<after_sign>[$€£]|(?:dollar|euro|pound)s?)|(?P<after>USD|EUR|GBP))?"
)
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "dollar": "USD", "euro": "EUR", "pound": "GBP"}
_DURATION = re.compile(rf"({_NUMBER})\s*([a-z]+)")
_BYTES = re.compile(rf"({_NUMBER})\s*([kKMGTP])(i?)B")
_DEVICES = re.compile(r"(\d+)(?:\s*[x*×]\s*|\s+)([A-Za-z][\w .-]*)")
_MOST_CHARACTERS = 80
"""Of a quantity. Patterns take a time that grows with the square of what they do not match."""
MOST_QUANTITY = 1e40
"""Products of the largest quantities, and small powers of them, must be finite; no count of anything comes near."""
MOST_DEVICES = 10_000_000
"""Of one run: layouts are sought among the divisors of their number. The largest clusters have some 100,000."""


def parse_quantity(text: Quantity, what: str = "quantity", *, positive: bool = True) -> float:
    """The number that `text` writes, in units of one (parameters, tokens, FLOPs, dollars).

    Raises InputError, naming `what`, when it is not a finite number, (with `positive`) not above zero, or so large or
    small (MOST_QUANTITY and its inverse) that it counts nothing.

    >>> parse_quantity("2.8 billion"), parse_quantity("10^21"), parse_quantity("5.76 x 10^23")
    (2800000000.0, 1e+21, 5.76e+23)
    >>> parse_quantity("2.8 dozen", "--params")
    Traceback (most recent call last):
    isoflop.errors.InputError: --params: expected a number such as 5.76e23, 70B or 1.4T, got '2.8 dozen'
    """
    if isinstance(text, str):
        number, factor = split_quantity(text, what)
        value = number * factor
    else:
        value = _as_float(text)
    if not math.isfinite(value) or (positive and value <= 0):
        raise InputError(f"{what}: expected a {'positive ' if positive else ''}finite number, got {quoted(text)}")
    if abs(value) > MOST_QUANTITY or 0 < abs(value) < 1 / MOST_QUANTITY:
        ends = f"{format_number(1 / MOST_QUANTITY)} to {format_number(MOST_QUANTITY)}"
        raise InputError(f"{what}: expected a number from {ends}, got {quoted(text)}")
    return value


def _as_float(value: float) -> float:
    """As a float; infinity for a whole number that none holds."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The match of the whole text, without spaces around it; None for any other, and for one that is too long."""
    stripped = text.strip()
    return pattern.fullmatch(stripped) if len(stripped) <= _MOST_CHARACTERS else None


def split_quantity(text: str, what: str = "quantity") -> tuple[float, float]:
    """(number, factor of its suffix or 1) of a quantity as people write it. Raises InputError for anything else.

    >>> split_quantity("2.8B"), split_quantity("1,300 tokens")
    ((2.8, 1000000000.0), (1300.0, 1.0))
    """
    written = text
    if len(text) <= _MOST_CHARACTERS and (power := _POWER_OF_TEN.match(text.strip())):
        written = f"{power[1] or '1'}e{power[2]}{text.strip()[power.end() :]}"
    matched = _matched(_QUANTITY, written)
    if not matched:
        point = f" with a decimal point, {text.strip().replace(',', '.')}" if _matched(_DECIMAL_COMMA, text) else ""
        raise InputError(f"{what}: expected a number such as 5.76e23, 70B or 1.4T{point}, got {quoted(text)}")
    suffix = _WORDS.get(matched[2], matched[2])
    suffix = suffix if suffix in _SCALES else suffix.upper()
    return float(re.sub("[_,]", "", matched[1])), _SCALES[suffix]


def parse_duration(text: str, what: str = "duration") -> float:
    """Seconds in a duration with its unit: `20ms`, `90s`, `15min`, `2h`, `30d`. Raises InputError without a unit."""
    matched = _matched(_DURATION, text)
    if not matched or matched[2] not in _SECONDS:
        expected = "a duration with its unit such as 20ms, 90s, 15min, 2h or 30d"
        raise InputError(f"{what}: expected {expected}, got {quoted(text)}")
    return parse_quantity(split_quantity(matched[1], what)[0] * _SECONDS[matched[2]], what)


def parse_days(text: str | float, what: str = "--days") -> float:
    """Returns the days of a number of days, or of a duration with its unit. Raises InputError for anything else.

    >>> parse_days("30"), parse_days("1 week"), parse_days("36h")
    (30.0, 7.0, 1.5)
    """
    if isinstance(text, str) and (matched := _matched(_DURATION, text)) and matched[2] in _SECONDS:
        return parse_duration(text, what) / _DAY
    return parse_quantity(text, what)


def parse_money(text: str | float, what: str = "--price") -> tuple[float, str | None]:
    """Returns (amount, currency) of a sum such as `$2M`, `2M USD` or `2e6`; the currency is None where none is written.

    Raises InputError for anything else.

    >>> parse_money("$2M"), parse_money("500K EUR"), parse_money("2e6")
    ((2000000.0, 'USD'), (500000.0, 'EUR'), (2000000.0, None))
    """
    if not isinstance(text, str):
        return parse_quantity(text, what), None
    matched = _matched(_MONEY, text)
    if matched is None:
        raise InputError(f"{what}: expected a sum such as $2M or 500K EUR, got {quoted(text)}")
    sign = matched["sign"] or matched["after_sign"]
    currency = _CURRENCIES[sign.removesuffix("s")] if sign else matched["before"] or matched["after"]
    return parse_quantity(matched["amount"], what), currency


def parse_bytes(text: str, what: str = "bytes") -> float:
    """Bytes in a memory with its unit: `80GB` in powers of 1,000, `80GiB` in powers of 1,024.

    Raises InputError without a unit.

    >>> parse_bytes("80GB"), parse_bytes("1.5 GiB")
    (80000000000.0, 1610612736.0)
    """
    matched = _matched(_BYTES, text)
    if not matched:
        raise InputError(f"{what}: expected a memory with its unit such as 80GB or 24GiB, got {quoted(text)}")
    base = 1024.0 if matched[3] else 1000.0
    return parse_quantity(split_quantity(matched[1], what)[0] * base ** (" KMGTP".index(matched[2].upper())), what)


def parse_devices(text: str, what: str = "--gpus") -> tuple[int, str]:
    """Returns (count, name) of devices such as `512xH100`. Raises InputError otherwise, and above MOST_DEVICES."""
    matched = _matched(_DEVICES, text)
    if not matched or int(matched[1]) == 0:
        ask = ": how many?" if re.fullmatch(r"\s*[A-Za-z][\w .-]*", text) else ""
        ask = ": of which device?" if re.fullmatch(r"\s*\d+\s*", text) else ask
        raise InputError(f"{what}: expected a count and a device such as 512xH100, got {quoted(text)}{ask}")
    if int(matched[1]) > MOST_DEVICES:
        raise InputError(f"{what}: expected at most {MOST_DEVICES:,} devices, got {quoted(matched[1])}")
    return int(matched[1]), matched[2]


def format_number(value: float, digits: int = 3, *, sign: bool = False) -> str:
    """A plain number for people, `digits` significant; very large and small ones the way the field writes them.

    With `sign`, a number above zero has a plus.

    >>> format_number(5.76e23), format_number(0.000683), format_number(2.5), format_number(12_345.6)
    ('5.76e23', '6.83e-4', '2.5', '12,300')
    """
    plus = "+" if sign and value > 0 else ""
    if value == 0 or not math.isfinite(value):
        return f"{plus}{value:g}"
    rounded = float(f"{value:.{digits}g}")
    if not 1e-3 <= abs(rounded) < 1e6:
        return plus + format_flops(value, digits)
    if abs(rounded) < 1e4:
        return plus + _trimmed(rounded, digits)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:,.{decimals}f}"
    return plus + (text.rstrip("0").rstrip(".") if decimals else text)


def _trimmed(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{float(text):.0f}"
    return text


def format_quantity(value: float, digits: int = 3) -> str:
    """A count for people, `digits` significant, with the field's suffix: 98304 -> `98.3K`, 7e10 -> `70B`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    # Round first: 999,999 is 1M at three digits, not 1000K.
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 1e15 or abs(rounded) < 1e-3:
        return format_flops(value, digits)
    for suffix, scale in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if abs(rounded) >= scale:
            return _trimmed(rounded / scale, digits) + suffix
    return _trimmed(rounded, digits)


def format_money(value: float, currency: str | None = None) -> str:
    """A sum with its sign where the currency is known: `$1.78M`, `€500K`; the bare number where it is not."""
    signs = {code: sign for sign, code in _CURRENCIES.items() if len(sign) == 1}
    return f"{signs.get(currency or '', '')}{format_quantity(value)}"


def format_flops(value: float, digits: int = 3) -> str:
    """Compute the way the field writes it: 5.76e23. Without a unit; the caller's column or sentence has it."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def percent(share: float, digits: int = 1, *, sign: bool = False) -> str:
    """A share in per cent with so many decimals and a space before the sign: `30.2 %`."""
    return f"{share:{'+' if sign else ''}.{digits}%}".replace("%", " %")


def format_duration(seconds: float) -> str:
    """`48 s`, `1 min 35 s`, `2 h 5 min`, `41 d 3 h`."""
    if not math.isfinite(seconds):
        return f"{seconds} s"
    if seconds < 1:
        return f"{format_number(seconds, 2)} s"
    for big, small, size, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        whole = part * round(seconds / part)  # 29 d 23 h 59 min are 30 d
        if whole >= size:
            rest = (whole % size) // part
            return f"{whole // size} {big} {rest} {small}" if rest else f"{whole // size} {big}"
    return f"{round(seconds)} s"


def format_energy(kilowatt_hours: float) -> str:
    """Energy in the largest unit of which there is one, three digits: `258 MWh`."""
    unit, scale = next(each for each in _ENERGY if kilowatt_hours >= each[1] or each[1] == 1)
    return f"{_trimmed(kilowatt_hours / scale, 3)} {unit}"


def format_bytes(value: float) -> str:
    """Bytes in binary units, three digits: `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{_trimmed(value, 4 if value >= 1000 else 3)} {unit}"
