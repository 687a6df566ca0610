"""A cluster of devices: the FLOPs that it does in its time, and the hours, price and energy that a run takes on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from isoflop.errors import InputError, Notice, quoted
from isoflop.hardware import SECONDS_PER_HOUR, Hardware, hardware_named
from isoflop.plan.intervals import Interval
from isoflop.plan.run_time import WHOLE_RUNS
from isoflop.plan.utilization import GIVEN, Utilization
from isoflop.units import (
    Quantity,
    format_money,
    format_number,
    parse_days,
    parse_devices,
    parse_money,
    percent,
)

HOURS_PER_DAY = 24.0
MODEL_FLOPS = "palm_mfu"
"""Convention of the FLOPs that a utilization is a share of: 6 N D and attention (Chowdhery et al. 2022, Appendix B), in
which the utilizations of whole runs (`plan.run_time`) and `StepTime.utilization` are."""
# A budget made from days takes exactly these, up to rounding.
_SLACK = 1 + 1e-6


@dataclass(frozen=True, kw_only=True)
class Duration:
    """Wall-clock hours of a run on all devices at once."""

    hours: float
    hours_range: Interval
    """Where 90 % of whole published runs would lie, or the two ends of a given utilization."""

    @property
    def slowest(self) -> float:
        """Hours at the slow end."""
        return self.hours_range[1]


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """Time, price and energy of a training run on a cluster."""

    json_also: ClassVar = ("utilization_hours", "utilization_hours_range")
    json_without: ClassVar = ("devices", "notices")

    flops: float
    """Training FLOPs that the devices do."""
    flops_convention: str
    """How they are counted: MODEL_FLOPS; of a plan without a shape, as its law counts."""
    hours: float
    """Wall-clock hours on all devices at once."""
    hours_range: Interval
    """Where 90 % of whole published runs would lie; of a given utilization, its two ends."""
    hours_source: Literal["layout", "utilization"]
    """Where hours, price and energy come from: the predicted time of the steps in the plan's layout, times what whole
    runs took beyond theirs, or `utilization`."""
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
    """Of the whole run: what the hours come from, or what they imply where they come from the layout."""
    devices: int
    notices: tuple[Notice, ...]

    @property
    def utilization_hours(self) -> float:
        """Hours at `utilization`: `hours`, since a plan has one duration."""
        return self.hours

    @property
    def utilization_hours_range(self) -> Interval:
        """Hours at the two ends of `utilization`: `hours_range`."""
        return self.hours_range


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
        device: Hardware | None = None,
    ) -> Cluster:
        """The cluster that `512xH100` writes; without a utilization, with what whole published runs reached.

        Days may be a duration such as `1 week`, prices sums such as `$2M`; `device` is that of the name, where
        it is not of the catalogue.

        Raises InputError for an unknown device, for a utilization, days or a price out of range, for prices in two
        currencies, and for a maximum price where the price of the device is not known.
        """
        count, name = parse_devices(text)
        hardware = hardware_named(name) if device is None else device
        hourly, of_hour = (None, "USD") if price_per_hour is None else parse_money(price_per_hour, "--price-per-hour")
        total, currency = (None, None) if max_price is None else parse_money(max_price, "--price")
        if currency is not None and of_hour is not None and currency != of_hour:
            raise InputError(
                f"--price: {quoted(str(max_price))} is in {currency}, the price of a device-hour in {of_hour}; "
                f"state --price-per-hour in {currency}"
            )
        if hourly is not None:
            hardware = replace(hardware, price_per_hour=hourly, price_source=GIVEN)
        if total is not None and hardware.price_per_hour is None:
            raise InputError(f"--price: no price of {hardware.name} is known; give --price-per-hour too")
        share = Utilization.of_whole_runs() if utilization is None else Utilization.parse(utilization)
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
        currency = None if self.hardware.price_source == GIVEN else "USD"
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
        duration, share, by_layout = self.duration(flops), self.utilization, False
        if predicted is not None and not share.is_given:
            duration, share, by_layout = predicted, self._implied(flops, predicted), True
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
            utilization=share,
            devices=self.count,
            notices=(
                *self._late(duration, by_layout=by_layout),
                *self._above_price(duration, by_layout=by_layout),
            ),
        )

    def _implied(self, flops: float, duration: Duration) -> Utilization:
        """The utilization of a whole run of `flops` model FLOPs that takes so long."""
        at_once = self.count * self.hardware.peak_flops[self.hardware.training_format] * SECONDS_PER_HOUR
        fast, slow = duration.hours_range
        low, high, middle = (min(1.0, flops / (at_once * hours)) for hours in (slow, fast, duration.hours))
        return Utilization(low=low, high=high, source=f"the layout's steps, and {WHOLE_RUNS}", middle=middle)

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
            return duration.slowest, "as slow as one published run in twenty, "
        return duration.slowest, f"at {percent(self.utilization.low)} of the peak "
