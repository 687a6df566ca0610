"""Devices and days: the FLOPs that they make, the hours and the money that a plan takes on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from isoflop.errors import InputError, Notice
from isoflop.hardware import Hardware, hardware_named
from isoflop.units import parse_devices

DEFAULT_UTILIZATION = 0.4
"""Model FLOPs over peak: between MT-NLG's 0.302 and PaLM's 0.462 (Chowdhery et al. 2022, Table 3). Measure your own."""
HOURS_PER_DAY = 24.0


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a training run takes on a fleet."""

    hours: float
    """Wall-clock hours on all devices at once."""
    device_hours: float
    price: float | None
    """In the currency of the price given; None when none was given."""
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, Any]:
        """`{hours, device_hours, price}`."""
        return {"hours": self.hours, "device_hours": self.device_hours, "price": self.price}


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """So many devices of one kind, for so long."""

    hardware: Hardware
    count: int
    utilization: float = DEFAULT_UTILIZATION
    """Model FLOPs over peak, 0 to 1."""
    days: float | None = None
    """How long they can be had; None: as long as it takes."""

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        utilization: float | None = None,
        days: float | None = None,
        price_per_hour: float | None = None,
    ) -> Fleet:
        """The fleet that `512xH100` writes. Raises InputError for an unknown device or a share outside (0, 1]."""
        count, name = parse_devices(text)
        share = DEFAULT_UTILIZATION if utilization is None else utilization
        if not 0 < share <= 1:
            raise InputError(f"--utilization: expected a share of the peak above 0 and up to 1, got {share!r}")
        hardware = replace(hardware_named(name), price_per_hour=price_per_hour)
        return cls(hardware=hardware, count=count, utilization=share, days=days)

    def flops(self) -> float:
        """Model FLOPs that the fleet makes in its days. Raises InputError when it has no days."""
        if self.days is None:
            raise InputError("--gpus: expected --days too, or --flops: devices alone are no budget")
        return self.hardware.flops_in(self.days * HOURS_PER_DAY, count=self.count, utilization=self.utilization)

    def bill(self, flops: float) -> Bill:
        """Hours and price of `flops` model FLOPs on this fleet."""
        hours = self.hardware.hours(flops, count=self.count, utilization=self.utilization)
        price = self.hardware.price_per_hour
        notices = []
        # A millionth of slack: a budget made from the days themselves fits exactly, up to rounding.
        if self.days is not None and hours > self.days * HOURS_PER_DAY * (1 + 1e-6):
            message = (
                f"takes {hours / HOURS_PER_DAY:.3g} days on {self.count}x{self.hardware.name}, {self.days:g} given"
            )
            notices.append(Notice(code="misses_deadline", message=message))
        return Bill(
            hours=hours,
            device_hours=hours * self.count,
            price=None if price is None else price * hours * self.count,
            notices=tuple(notices),
        )
