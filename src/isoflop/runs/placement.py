"""Which run goes where: cores and accelerators are places of unequal speed, and small runs share an accelerator.

A pure function: the same runs, places and work under way give the same assignment.

>>> core = Place(name="cpu", slots=1)
>>> gpu = Place(name="cuda:0", slots=2, memory_bytes=8e9)
>>> small = Needs(seconds={"cpu": {1: 10.0}, "cuda:0": {1: 30.0, 2: 40.0}}, device_bytes=1e9)
>>> large = Needs(seconds={"cpu": {1: 900.0}, "cuda:0": {1: 60.0, 2: 70.0}}, device_bytes=6e9)
>>> [(spot.run, spot.place.name, spot.lanes, spot.end) for spot in place_runs({"s": small, "l": large}, [core, gpu])]
[('l', 'cuda:0', 2, 60.0), ('s', 'cpu', 1, 10.0)]
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

R = TypeVar("R", bound=Hashable)
Memory = Literal["shared", "own", "core"]
"""Whose memory a trainer uses: an accelerator's with others, one's alone, or this machine's."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where processes train side by side: the cores, or one accelerator."""

    name: str
    """`cpu`, or `cuda:0` for the first accelerator that this process may use."""
    slots: int
    """Processes at a time."""
    memory_bytes: float | None = None
    """Bytes of an accelerator that its processes share, a reserve taken off; None: cores, whose memory is not counted
    here."""
    device: Literal["cpu", "cuda"] = "cpu"
    """The trainer's option --device."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its processes get in addition: which accelerator they see."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one run takes."""

    seconds: Mapping[str, Mapping[int, float]]
    """{place: {processes that work there at a time: seconds of the run}}; a place that it cannot have is left out."""
    device_bytes: float = 0.0
    """Bytes of an accelerator's memory, its process included."""
    memory: Memory = "shared"
    """`own`: it has run out of shared memory, and gets an accelerator alone. `core`: no accelerator was enough."""
    micro_batch_sequences: int | None = None
    """Sequences at a time with which it takes `device_bytes`; None: whole batches."""


@dataclass(frozen=True)
class Offer:
    """What a place gives to a run."""

    lanes: int
    """Of its slots: as many as its share of the memory is worth."""
    seconds: float

    @staticmethod
    def of(needs: Needs, place: Place) -> Offer | None:
        """The offer of `place`; None where the run cannot be there."""
        by_sharing = needs.seconds.get(place.name)
        if by_sharing is None or (needs.memory == "core" and place.memory_bytes is not None):
            return None
        lanes = 1
        if place.memory_bytes is not None:
            lanes = max(1, math.ceil(needs.device_bytes * place.slots / place.memory_bytes))
            if lanes > place.slots:
                return None
            lanes = place.slots if needs.memory == "own" else lanes
        together = place.slots // lanes
        # the next larger number that was measured: a plan that counts on luck runs late
        measured = min((n for n in by_sharing if n >= together), default=max(by_sharing))
        return Offer(lanes, by_sharing[measured])


@dataclass(frozen=True)
class Spot(Generic[R]):
    """Where and when a run is trained."""

    run: R
    place: Place
    lanes: int
    """Slots that it takes."""
    start: float
    """Seconds from now."""
    end: float


@dataclass(frozen=True, kw_only=True)
class Busy:
    """Work under way."""

    place: str
    lanes: int
    end: float
    """Seconds from now until it is expected to end, above 0."""


def place_runs(
    runs: Mapping[R, Needs], places: Sequence[Place], busy: Sequence[Busy] = (), *, only_now: bool = False
) -> list[Spot[R]]:
    """A spot for each of `runs`, longest first, each on the place that ends it first; of equal ends on the first place.

    A run's length is that on its fastest place. Runs that no place can have are left out. With `only_now` the list ends
    when no slot is free at the moment any more.
    """
    offers = {run: _offers(needs, places) for run, needs in runs.items()}
    order = sorted((run for run in offers if offers[run]), key=lambda run: -_shortest(offers[run]))
    free = {place.name: [0.0] * place.slots for place in places}  # when each slot is free, soonest first
    for work in busy:
        slots = free.get(work.place, [])
        for lane in range(min(work.lanes, len(slots))):
            slots[lane] = max(slots[lane], work.end)
        slots.sort()
    spots: list[Spot[R]] = []
    for run in order:
        if only_now and all(slots[0] > 0 for slots in free.values() if slots):
            break
        ends = [(free[place.name][offer.lanes - 1] + offer.seconds, place, offer) for place, offer in offers[run]]
        end, place, offer = min(ends, key=lambda option: option[0])
        slots = free[place.name]
        spots.append(Spot(run, place, offer.lanes, slots[offer.lanes - 1], end))
        slots[: offer.lanes] = [end] * offer.lanes
        slots.sort()
    return spots


def _offers(needs: Needs, places: Sequence[Place]) -> list[tuple[Place, Offer]]:
    found = [(place, Offer.of(needs, place)) for place in places]
    return [(place, offer) for place, offer in found if offer is not None]


def _shortest(offers: Sequence[tuple[Place, Offer]]) -> float:
    return min(offer.seconds for _, offer in offers)
