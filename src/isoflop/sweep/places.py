"""The cores and accelerators that share the runs of a sweep: how long a run takes, and how many are trained at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from isoflop.runs.placement import Offer
from isoflop.spec import RunSpec
from isoflop.sweep.cost import SweepCost, sweep_cost
from isoflop.sweep.devices import SharedDevice, needs_of, places_of
from isoflop.sweep.speed import Speed


@dataclass(frozen=True, kw_only=True)
class TrainingPlaces:
    """Processes on cores of one speed, and on accelerators of theirs."""

    speed: Speed
    """Of a core."""
    cores: int
    """Processes that train on cores."""
    devices: tuple[SharedDevice, ...] = ()

    @property
    def slots(self) -> int:
        """Processes that train at once, wherever they are."""
        return self.cores + sum(device.place.slots for device in self.devices)

    def seconds(self, spec: RunSpec) -> float:
        """Seconds of a run where it is fastest while all places are busy."""
        return min(seconds for seconds, _ in self._offers(spec).values())

    def seconds_on(self, spec: RunSpec, device: str | None) -> float:
        """Seconds of a run that ended on `device`, as its result names it: a core, or the fastest accelerator."""
        offers = self._offers(spec)
        on_devices = [seconds for name, (seconds, _) in offers.items() if name != "cpu"]
        return min(on_devices) if on_devices and device not in (None, "cpu") else offers["cpu"][0]

    def at_once(self, spec: RunSpec) -> float:
        """How many runs like `spec` are trained in the time of one where it is fastest.

        Those places count less that are slower: a core of a tenth of an accelerator's speed is a tenth of one.
        """
        fastest = self.seconds(spec)
        return sum(fastest / seconds * at_a_time for seconds, at_a_time in self._offers(spec).values())

    def cost(self, specs: Sequence[RunSpec]) -> SweepCost:
        """The cost of `specs`, each where it ends first."""
        return sweep_cost(specs, self.speed, self.cores, self.devices)

    def slower(self, factor: float, step_seconds: float) -> TrainingPlaces:
        """The same, with times `factor` times as long and so many seconds more in each step."""
        return replace(
            self,
            speed=self.speed.slower(factor, step_seconds),
            devices=tuple(
                replace(
                    device,
                    speeds={count: own.slower(factor, step_seconds) for count, own in device.speeds.items()},
                )
                for device in self.devices
            ),
        )

    def _offers(self, spec: RunSpec) -> dict[str, tuple[float, float]]:
        """{place: (seconds of the run there, runs like it at a time)}; accelerators that are too small are left out."""
        if not self.devices:
            return {"cpu": (self.speed.seconds(spec), float(self.cores))}
        needs = needs_of(spec, self.speed, self.cores, self.devices)
        found = [(place, Offer.of(needs, place)) for place in places_of(self.cores, self.devices)]
        return {
            place.name: (offer.seconds, float(place.slots // offer.lanes))
            for place, offer in found
            if offer is not None
        }
