"""A budget as people write it: FLOPs, a sum of money, or devices and a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from isoflop.errors import InputError, Notice, quoted
from isoflop.hardware import hardware_named
from isoflop.plan.cluster import HOURS_PER_DAY
from isoflop.units import parse_days, parse_money, parse_quantity

DEFAULT_DEVICE, DEFAULT_DAYS = "H100", 30
"""Devices of a budget in money alone: the most common one of today's clusters, for a month."""
_DEVICES_AND_TIME = re.compile(r"(?P<gpus>\d+(?:\s*[x*×]\s*|\s+)[A-Za-z][\w.-]*)[\s,]+(?:for\s+)?(?P<time>\d.*)")
_DEVICES_ALONE = re.compile(r"\d+(?:\s*[x*×]\s*|\s+)[A-Za-z]+\d[\w.-]*")


@dataclass(frozen=True, kw_only=True)
class StatedBudget:
    """What a budget states; None for the rest."""

    flops: float | None = None
    """Training FLOPs, in the law's convention."""
    gpus: str | None = None
    """Devices, such as `512xH100`."""
    days: float | None = None
    """For which the devices can be had."""
    price: str | None = None
    """Money, with its currency."""

    @classmethod
    def parse(cls, text: str | float, hint: str = "") -> StatedBudget:
        """The budget that `1e21`, `$2M` or `512xH100 30d` write.

        Raises InputError for anything else; for a size such as `70B`, which is no budget, with the `hint`.

        >>> StatedBudget.parse("$2M").price, StatedBudget.parse("512xH100 30d").days
        ('$2M', 30.0)
        """
        if not isinstance(text, str):
            return cls(flops=parse_quantity(text, "budget"))
        if _is_money(text):
            return cls(price=text)
        if devices := _DEVICES_AND_TIME.fullmatch(text.strip()):
            return cls(gpus=devices["gpus"], days=parse_days(devices["time"], "budget"))
        if _DEVICES_ALONE.fullmatch(text.strip()):
            raise InputError(f"budget: for how long? Devices need a time: '{text.strip()} 30d'")
        if text.strip()[-1:].isalpha() and not text.strip().lower().endswith(("flop", "flops")):
            raise InputError(
                f"budget: expected FLOPs such as 1e21, money such as '$2M', or '512xH100 30d', got {quoted(text)}{hint}"
            )
        return cls(flops=parse_quantity(text, "budget"))


def default_devices(price: str, price_per_hour: str | float | None = None) -> tuple[str | None, tuple[Notice, ...]]:
    """(devices for a sum of money without any, the notice that says so); None where no price of an hour is known.

    Their number is the smallest power of two, eight or more, that spends the money within DEFAULT_DAYS.
    """
    money, rate = parse_money(price)[0], hardware_named(DEFAULT_DEVICE).price_per_hour
    if price_per_hour is not None:
        rate = parse_money(price_per_hour)[0]
    if rate is None:
        return None, ()
    count = 8
    while money / (rate * count * HOURS_PER_DAY) > DEFAULT_DAYS:
        count *= 2
    gpus = f"{count}x{DEFAULT_DEVICE}"
    message = f"no devices are stated: planned for {gpus}, which spend the money within {DEFAULT_DAYS} days"
    return gpus, (Notice(code="default_devices", message=message),)


def _is_money(text: str) -> bool:
    try:
        return parse_money(text)[1] is not None
    except InputError:
        return False
