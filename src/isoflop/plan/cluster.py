"""Devices and days: the FLOPs that they make; the hours, the money and the energy that a plan takes on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from isoflop.errors import InputError, Notice
from isoflop.hardware import Hardware, hardware_named, published_utilization
from isoflop.plan.intervals import Interval
from isoflop.units import format_quantity, parse_devices, parse_quantity

HOURS_PER_DAY = 24.0
MODEL_FLOPS = "palm_mfu"
"""Convention of the FLOPs that a utilization is a share of: 6 N D and attention (Chowdhery et al. 2022, Appendix B), in
which the utilizations of hardware.toml were published and in which `StepTime.utilization` is."""
# A budget made from days takes exactly these, up to rounding.
_SLACK = 1 + 1e-6


@dataclass(frozen=True, kw_only=True)
class Utilization:
    """Model FLOPs (MODEL_FLOPS) over the devices' peak: a range, since nobody knows it before the run."""

    low: float
    high: float
    source: str
    """Whose runs reached it, or that it was given."""

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high <= 1:
            raise InputError(
                f"--utilization: expected a share of the peak above 0 and up to 1, such as 0.4, or a range, "
                f"such as 0.35-0.45; got {self.low:g} to {self.high:g}"
            )

    @classmethod
    def parse(cls, text: str | float) -> Utilization:
        """What `0.4` or `0.35-0.45` write. Raises InputError for anything else.

        >>> Utilization.parse("0.35-0.45").expected
        0.4
        """
        # A minus after an e belongs to the number: 4e-1.
        ends = [parse_quantity(part, "--utilization") for part in re.split(r"(?<![eE])-", str(text), maxsplit=1)]
        return cls(low=ends[0], high=ends[-1], source="given")

    @classmethod
    def published(cls, hardware: Hardware) -> Utilization:
        """What large runs reached (`hardware.published_utilization`)."""
        low, high, source = published_utilization(hardware)
        return cls(low=low, high=high, source=source)

    @property
    def expected(self) -> float:
        """The middle of the range, which plans are made for."""
        return (self.low + self.high) / 2

    @property
    def is_range(self) -> bool:
        """False where one number was given."""
        return self.low < self.high

    def as_json(self) -> dict[str, Any]:
        """`{low, expected, high, source}`."""
        return {"low": self.low, "expected": self.expected, "high": self.high, "source": self.source}


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a training run takes on a fleet: at the expected utilization, and over its range."""

    flops: float
    """Training FLOPs that are billed."""
    flops_convention: str
    """How they are counted: MODEL_FLOPS; of a plan without a shape, as its law counts."""
    hours: float
    """Wall-clock hours on all devices at once."""
    hours_range: Interval
    """The same at the highest and at the lowest utilization."""
    device_hours: float
    price: float | None
    """Of all device hours; None when no price is known."""
    price_range: Interval | None
    price_per_hour: float | None
    """Of one device, in the currency of `price`: US dollars where the catalogue's was used."""
    price_source: str
    """Who says what a device costs, and when; `given`; empty when no price is known."""
    energy_kwh: float | None
    """Of the devices alone at their design power: hosts, network and cooling come on top. None: power not known."""
    energy_range: Interval | None
    utilization: Utilization
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields by name, without the notices."""
        return {
            "flops": self.flops,
            "flops_convention": self.flops_convention,
            "hours": self.hours,
            "hours_range": list(self.hours_range),
            "device_hours": self.device_hours,
            "price": self.price,
            "price_range": None if self.price_range is None else list(self.price_range),
            "price_per_hour": self.price_per_hour,
            "price_source": self.price_source,
            "energy_kwh": self.energy_kwh,
            "energy_range": None if self.energy_range is None else list(self.energy_range),
            "utilization": self.utilization.as_json(),
        }


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """So many devices of one kind, for so long."""

    hardware: Hardware
    count: int
    utilization: Utilization
    days: float | None = None
    """How long they can be had; None: as long as it takes."""
    money: float | None = None
    """What they may cost in all, in the currency of the price per hour; None: whatever it takes."""

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        utilization: str | float | None = None,
        days: float | None = None,
        price_per_hour: float | None = None,
        money: float | None = None,
    ) -> Fleet:
        """The fleet that `512xH100` writes; without a utilization, with the range that large runs reached.

        Raises InputError for an unknown device, for a utilization, days or a price that are none, and for money
        without a known price.
        """
        count, name = parse_devices(text)
        hardware = hardware_named(name)
        for what, value in (("--days", days), ("--price-per-hour", price_per_hour), ("--price", money)):
            if value is not None:
                parse_quantity(value, what)
        if price_per_hour is not None:
            hardware = replace(hardware, price_per_hour=price_per_hour, price_source="given")
        if money is not None and hardware.price_per_hour is None:
            raise InputError(f"--price: no price of {hardware.name} is known; give --price-per-hour too")
        share = Utilization.published(hardware) if utilization is None else Utilization.parse(utilization)
        return cls(hardware=hardware, count=count, utilization=share, days=days, money=money)

    @property
    def name(self) -> str:
        """As it is written: `512xH100`."""
        return f"{self.count}x{self.hardware.name}"

    @property
    def days_paid(self) -> float | None:
        """Days that the money pays for; None without money or price."""
        if self.money is None or self.hardware.price_per_hour is None:
            return None
        return self.money / (self.hardware.price_per_hour * self.count) / HOURS_PER_DAY

    def flops(self) -> float:
        """Model FLOPs that the fleet makes in its days and for its money, at the expected utilization.

        Raises InputError without either.
        """
        limits = [days for days in (self.days, self.days_paid) if days is not None]
        if not limits:
            raise InputError("--gpus: expected --days or --price too, or --flops: devices alone are no budget")
        share = self.utilization.expected
        return self.hardware.flops_in(min(limits) * HOURS_PER_DAY, count=self.count, utilization=share)

    def bill(self, flops: float, convention: str = MODEL_FLOPS) -> Bill:
        """Hours, price and energy of `flops` model FLOPs on this fleet; `convention` says how they were counted."""
        shares = (self.utilization.expected, self.utilization.high, self.utilization.low)
        hours, fast, slow = (self.hardware.hours(flops, count=self.count, utilization=share) for share in shares)
        price, watts = self.hardware.price_per_hour, self.hardware.watts
        kilowatts = None if watts is None else watts * self.count / 1e3
        rate = None if price is None else price * self.count
        return Bill(
            flops=flops,
            flops_convention=convention,
            hours=hours,
            hours_range=(fast, slow),
            device_hours=hours * self.count,
            price=None if rate is None else rate * hours,
            price_range=None if rate is None else (rate * fast, rate * slow),
            price_per_hour=price,
            price_source=self.hardware.price_source,
            energy_kwh=None if kilowatts is None else kilowatts * hours,
            energy_range=None if kilowatts is None else (kilowatts * fast, kilowatts * slow),
            utilization=self.utilization,
            notices=(*self._late(hours / HOURS_PER_DAY, slow / HOURS_PER_DAY), *self._dear(hours, slow)),
        )

    def _late(self, expected: float, slowest: float) -> tuple[Notice, ...]:
        """What is to be said of a plan of so many days, where days were given."""
        if self.days is None or slowest <= self.days * _SLACK:
            return ()
        if expected > self.days * _SLACK:
            message = f"takes {expected:.3g} days on {self.name}, {self.days:g} given"
            return (Notice(code="misses_deadline", message=message),)
        message = f"at {self.utilization.low:.1%} of the peak it takes {slowest:.3g} days, {self.days:g} given"
        return (Notice(code="may_miss_deadline", message=message),)

    def _dear(self, expected: float, slowest: float) -> tuple[Notice, ...]:
        """What is to be said of a plan of so many hours, where money was given."""
        if self.money is None or self.hardware.price_per_hour is None:
            return ()
        rate, given = self.hardware.price_per_hour * self.count, format_quantity(self.money)
        if rate * slowest <= self.money * _SLACK:
            return ()
        if rate * expected > self.money * _SLACK:
            message = f"costs {format_quantity(rate * expected)}, {given} given"
            return (Notice(code="above_price", message=message),)
        message = f"at {self.utilization.low:.1%} of the peak it costs {format_quantity(rate * slowest)}, {given} given"
        return (Notice(code="may_be_above_price", message=message),)
