"""A cluster of devices: the FLOPs that it does in its time, and the hours, price and energy that a run takes on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from isoflop.errors import InputError, Notice, quoted
from isoflop.hardware import Hardware, hardware_named, published_utilization
from isoflop.plan.intervals import Interval
from isoflop.units import (
    Quantity,
    format_money,
    format_number,
    parse_days,
    parse_devices,
    parse_money,
    parse_quantity,
    percent,
)

HOURS_PER_DAY = 24.0
MODEL_FLOPS = "palm_mfu"
"""Convention of the FLOPs that a utilization is a share of: 6 N D and attention (Chowdhery et al. 2022, Appendix B), in
which the utilizations of hardware.toml were published and in which `StepTime.utilization` is."""
_GIVEN = "given"  # source of a utilization or a price that the user stated
# A budget made from days takes exactly these, up to rounding.
_SLACK = 1 + 1e-6


@dataclass(frozen=True, kw_only=True)
class Utilization:
    """Model FLOPs (MODEL_FLOPS) over the devices' peak: a range, since nobody knows it before the run."""

    json_also: ClassVar = ("expected",)

    low: float
    high: float
    source: str
    """The runs that reached it, or `given`."""

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high <= 1:
            raise InputError(
                f"--utilization: expected a share of the peak above 0 and up to 1, such as 0.4, or a range, "
                f"such as 0.35-0.45; got {format_number(self.low, 6)} to {format_number(self.high, 6)}"
            )

    @classmethod
    def parse(cls, text: str | float) -> Utilization:
        """The utilization that `0.4` or `0.35-0.45` write. Raises InputError for anything else.

        >>> Utilization.parse("0.35-0.45").expected
        0.4
        """
        # A minus after an e belongs to the number: 4e-1.
        ends = [parse_quantity(part, "--utilization") for part in re.split(r"(?<![eE])-", str(text), maxsplit=1)]
        return cls(low=ends[0], high=ends[-1], source=_GIVEN)

    @classmethod
    def published(cls, hardware: Hardware) -> Utilization:
        """The range that large runs reached (`hardware.published_utilization`)."""
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

    @property
    def is_given(self) -> bool:
        """Whether the user stated it, from runs of their own; False for the range that large runs reached."""
        return self.source == _GIVEN


@dataclass(frozen=True, kw_only=True)
class Duration:
    """Wall-clock hours of a run on all devices at once."""

    hours: float
    hours_range: Interval
    """The same at the fast and at the slow end of what is known."""

    @property
    def slowest(self) -> float:
        """Hours at the slow end."""
        return self.hours_range[1]


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """Time, price and energy of a training run on a cluster."""

    json_without: ClassVar = ("devices", "notices")

    flops: float
    """Training FLOPs that the devices do."""
    flops_convention: str
    """How they are counted: MODEL_FLOPS; of a plan without a shape, as its law counts."""
    hours: float
    """Wall-clock hours on all devices at once."""
    hours_range: Interval
    """Of a step's predicted time, the range in which published steps lay; of a utilization, its two ends."""
    hours_source: Literal["layout", "utilization"]
    """Where hours, price and energy come from: the predicted time of a step in the plan's layout, or `utilization`."""
    device_hours: float
    price: float | None
    """Price of all device-hours; None when no price is known."""
    price_range: Interval | None
    price_per_hour: float | None
    """Price of one device-hour, in the currency of `price`: US dollars where the catalogue's was used."""
    price_source: str
    """Who says what a device costs, and when; `given`; empty when no price is known."""
    energy_kwh: float | None
    """Energy of the devices alone at their design power: hosts, network and cooling come on top. None: not known."""
    energy_range: Interval | None
    utilization: Utilization
    utilization_hours: float
    """Hours at the expected utilization: `hours` itself, or the check of it where the layout predicts the time."""
    utilization_hours_range: Interval
    """The same at the highest and at the lowest utilization."""
    devices: int
    notices: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Devices of one kind, and for how long or for which price they can be had."""

    hardware: Hardware
    count: int
    utilization: Utilization
    days: float | None = None
    """How long they can be had; None: as long as it takes."""
    max_price: float | None = None
    """What they may cost in all, in the currency of the price per hour; None: whatever it takes."""

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        utilization: str | float | None = None,
        days: Quantity | None = None,
        price_per_hour: Quantity | None = None,
        max_price: Quantity | None = None,
    ) -> Cluster:
        """The cluster that `512xH100` writes; without a utilization, with the range that large runs reached.

        Days may be a duration such as `1 week`, prices sums such as `$2M`.

        Raises InputError for an unknown device, for a utilization, days or a price out of range, for prices in two
        currencies, and for a maximum price where the price of the device is not known.
        """
        count, name = parse_devices(text)
        hardware = hardware_named(name)
        hourly, of_hour = (None, "USD") if price_per_hour is None else parse_money(price_per_hour, "--price-per-hour")
        total, currency = (None, None) if max_price is None else parse_money(max_price, "--price")
        if currency is not None and of_hour is not None and currency != of_hour:
            raise InputError(
                f"--price: {quoted(str(max_price))} is in {currency}, the price of a device-hour in {of_hour}; "
                f"state --price-per-hour in {currency}"
            )
        if hourly is not None:
            hardware = replace(hardware, price_per_hour=hourly, price_source=_GIVEN)
        if total is not None and hardware.price_per_hour is None:
            raise InputError(f"--price: no price of {hardware.name} is known; give --price-per-hour too")
        share = Utilization.published(hardware) if utilization is None else Utilization.parse(utilization)
        known_days = None if days is None else parse_days(days, "--days")
        return cls(hardware=hardware, count=count, utilization=share, days=known_days, max_price=total)

    @property
    def name(self) -> str:
        """As it is written: `512xH100`."""
        return f"{self.count}x{self.hardware.name}"

    @property
    def price_rate(self) -> float | None:
        """Price of an hour on all devices; None when no price is known."""
        price = self.hardware.price_per_hour
        return None if price is None else price * self.count

    @property
    def days_paid(self) -> float | None:
        """Days that the maximum price pays for; None without one, or where no price is known."""
        if self.max_price is None or self.price_rate is None:
            return None
        return self.max_price / self.price_rate / HOURS_PER_DAY

    def limit_hours(self) -> float:
        """Hours that the days and the price allow, the scarcer of the two. Raises InputError without either."""
        limits = [days for days in (self.days, self.days_paid) if days is not None]
        if not limits:
            raise InputError("--gpus: expected --days or --price too, or --flops: devices alone are no budget")
        return min(limits) * HOURS_PER_DAY

    def money(self, hours: float) -> str:
        """The price of so many hours on all devices, as text; in dollars where the catalogue's price is used."""
        currency = None if self.hardware.price_source == _GIVEN else "USD"
        return "no known price" if self.price_rate is None else format_money(self.price_rate * hours, currency)

    def duration(self, flops: float) -> Duration:
        """Hours of `flops` model FLOPs at the expected utilization, and at its two ends."""
        shares = (self.utilization.expected, self.utilization.high, self.utilization.low)
        hours, fast, slow = (self.hardware.hours(flops, count=self.count, utilization=share) for share in shares)
        return Duration(hours=hours, hours_range=(fast, slow))

    def estimate_cost(
        self, flops: float, convention: str = MODEL_FLOPS, *, predicted: Duration | None = None
    ) -> CostEstimate:
        """Hours, price and energy of `flops` model FLOPs on this cluster; `convention` says how they were counted.

        They come from `predicted`, the time of the run's layout, where that is known, unless the user gave a
        utilization: a measurement of their own runs says more than the model of a step. Else from the utilization.
        """
        check = self.duration(flops)
        by_layout = predicted is not None and not self.utilization.is_given
        duration = predicted if predicted is not None and by_layout else check
        rate, watts = self.price_rate, self.hardware.watts
        kilowatts = None if watts is None else watts * self.count / 1e3
        hours, (fast, slow) = duration.hours, duration.hours_range
        return CostEstimate(
            flops=flops,
            flops_convention=convention,
            hours=hours,
            hours_range=duration.hours_range,
            hours_source="layout" if by_layout else "utilization",
            device_hours=hours * self.count,
            price=None if rate is None else rate * hours,
            price_range=None if rate is None else (rate * fast, rate * slow),
            price_per_hour=self.hardware.price_per_hour,
            price_source=self.hardware.price_source,
            energy_kwh=None if kilowatts is None else kilowatts * hours,
            energy_range=None if kilowatts is None else (kilowatts * fast, kilowatts * slow),
            utilization=self.utilization,
            utilization_hours=check.hours,
            utilization_hours_range=check.hours_range,
            devices=self.count,
            notices=(
                *self._late(duration, by_layout=by_layout),
                *self._above_price(duration, by_layout=by_layout),
            ),
        )

    def _late(self, duration: Duration, *, by_layout: bool) -> tuple[Notice, ...]:
        """The warning of a run that takes longer than the devices can be had, as expected or at the slow end."""
        if self.days is None:
            return ()
        exceeding = self._exceeding(duration, self.days * HOURS_PER_DAY, by_layout=by_layout)
        if exceeding is None:
            return ()
        hours, condition = exceeding
        code = "may_miss_deadline" if condition else "misses_deadline"
        days = f"{format_number(hours / HOURS_PER_DAY)} days on {self.name}"
        return (
            Notice(
                code=code, message=f"{condition}the plan takes {days}, and {format_number(self.days, 6)} were given"
            ),
        )

    def _above_price(self, duration: Duration, *, by_layout: bool) -> tuple[Notice, ...]:
        """The warning of a run that costs more than the maximum price, as expected or at the slow end."""
        rate = self.price_rate
        if self.max_price is None or rate is None:
            return ()
        exceeding = self._exceeding(duration, self.max_price / rate, by_layout=by_layout)
        if exceeding is None:
            return ()
        hours, condition = exceeding
        code = "may_be_above_price" if condition else "above_price"
        message = f"{condition}the plan costs {self.money(hours)}, and {self.money(self.max_price / rate)} were given"
        return (Notice(code=code, message=message),)

    def _exceeding(self, duration: Duration, limit: float, *, by_layout: bool) -> tuple[float, str] | None:
        """(hours above the limit of hours, under which condition); without a condition where they are expected.

        None where the run keeps within it at the slow end too.
        """
        limit *= _SLACK
        if duration.hours > limit:
            return duration.hours, ""
        if duration.slowest <= limit:
            return None
        if by_layout:
            return duration.slowest, "with steps as far above their prediction as the slowest published ones "
        return duration.slowest, f"at {percent(self.utilization.low)} of the peak "
