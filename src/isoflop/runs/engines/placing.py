"""Which waiting run an engine starts next and where, as runs end, run out of memory and accelerators go."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from isoflop.errors import InputError, Notice
from isoflop.runs.engine import Ended
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.parallel_config import ParallelConfig, parallel_config_file, write_parallel_config
from isoflop.runs.placement import Busy, Memory, Needs, Place, Spot, place_runs

FAULTS = 3
"""Trainers in a row that an accelerator ends without a result before it is given up: one crash may be the run's own."""
OVERDUE = 0.1
"""Share of its expected seconds that a run which is past them is taken to need still."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What an engine needs to know of the machine and of the runs."""

    places: tuple[Place, ...]
    """Cores first: of equal ends the run goes there."""
    needs: Callable[[RunFolder], Needs]
    on_notice: Callable[[Notice], None] = lambda _: None


@dataclass(frozen=True)
class Placed:
    """A run at work."""

    place: Place
    lanes: int
    end: float
    """On the steady clock, as expected."""
    seconds: float
    memory: Memory


@dataclass(kw_only=True)
class Placing:
    """The places of an engine and who works on them."""

    placement: Placement
    clock: Callable[[], float] = time.monotonic
    at_work: dict[RunFolder, Placed] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Places that are given up."""
    _needs: dict[RunFolder, Needs] = field(default_factory=dict)
    _avoids: defaultdict[RunFolder, set[str]] = field(default_factory=lambda: defaultdict(set))
    """{run: accelerators on which its trainer crashed}"""
    _faults: Counter[str] = field(default_factory=Counter)
    _chosen: Spot[RunFolder] | None = None
    """What `next_of` found last: among others a run may go elsewhere than alone."""

    @property
    def places(self) -> list[Place]:
        """Those that are left."""
        return [place for place in self.placement.places if place.name not in self.gone]

    @property
    def free(self) -> int:
        """Slots that nobody uses."""
        used = sum(placed.lanes for placed in self.at_work.values() if placed.place.name not in self.gone)
        return max(0, sum(place.slots for place in self.places) - used)

    def next_of(self, waiting: Iterable[RunFolder]) -> RunFolder | None:
        """The run to start now; None where all that wait are better off when something has ended.

        Raises InputError where no place can have one of them.
        """
        waiting = list(waiting)
        self._chosen = spot = self._spot(waiting)
        if spot is None and waiting and not self.at_work:
            names = ", ".join(place.name for place in self.places)
            what = f"nothing has the memory for it, of {names}; lower the budget" if names else "no place is left"
            raise InputError(f"{waiting[0].path}: {what}")
        return None if spot is None else spot.run

    def begin(self, folder: RunFolder) -> Placed:
        """Where `folder`, which `next_of` gave, begins now. Writes how many sequences at a time the memory allows."""
        spot = self._chosen if self._chosen is not None and self._chosen.run == folder else self._spot([folder])
        self._chosen = None
        assert spot is not None, "a run is started that has no place"
        needs = self._of(folder)
        memory: Memory = "core"
        if spot.place.memory_bytes is not None:
            memory = "own" if spot.lanes == spot.place.slots else "shared"
            if needs.micro_batch_sequences is not None and not parallel_config_file(folder.path).exists():
                config = ParallelConfig(micro_batch_sequences=needs.micro_batch_sequences, compiled=False)
                write_parallel_config(folder.path, config)
        seconds = spot.end - spot.start
        placed = Placed(spot.place, spot.lanes, self.clock() + seconds, seconds, memory)
        self.at_work[folder] = placed
        return placed

    def end(self, ended: Ended, *, at_once: bool = False) -> Ended:
        """Records an end, and returns it as the driver should hear it; `at_once`: its process never took the folder.

        An accelerator that is not there any more, or ends FAULTS trainers in a row, is given up and reported.
        """
        placed = self.at_work.pop(ended.folder, None)
        if placed is None or placed.memory == "core":
            return ended
        name = placed.place.name
        if ended.outcome in ("finished", "stopped", "locked"):
            self._faults[name] = 0
            return ended
        if self._memory_of(ended.folder) != self._of(ended.folder).memory:
            self._needs.pop(ended.folder)  # it ran out of memory: that is no fault of the accelerator
            return ended
        if ended.outcome == "refused" and not at_once:
            return ended
        self._faults[name] += 1
        self._avoids[ended.folder].add(name)
        if at_once or self._faults[name] >= FAULTS:
            self._give_up(name, ended.message)
        if at_once:  # no input is at fault: elsewhere it may train
            ended = replace(ended, outcome="crashed", message=f"{name} is not there any more: {ended.message}")
        return ended

    def _give_up(self, name: str, why: str) -> None:
        if name in self.gone:
            return
        self.gone.add(name)
        left = ", ".join(place.name for place in self.places) or "nothing"
        message = f"{name} is not used any more ({why}); the runs that are left go to {left}"
        self.placement.on_notice(Notice(code="device_gone", message=message))

    def _of(self, folder: RunFolder) -> Needs:
        if folder not in self._needs:
            self._needs[folder] = replace(self.placement.needs(folder), memory=self._memory_of(folder))
        return self._needs[folder]

    def _memory_of(self, folder: RunFolder) -> Memory:
        """What it has run out of decides: a shared accelerator, then one alone."""
        events = out_of_memory_events(folder.path)
        if any(event.memory == "own" and event.micro_batch_sequences == 1 for event in events):
            return "core"
        return "own" if any(event.memory in ("shared", "own") for event in events) else "shared"

    def _spot(self, waiting: Sequence[RunFolder]) -> Spot[RunFolder] | None:
        now = self.clock()
        busy = [
            Busy(place=p.place.name, lanes=p.lanes, end=max(p.end - now, OVERDUE * p.seconds, 1e-9))
            for p in self.at_work.values()
        ]
        runs = {folder: self._avoiding(folder) for folder in waiting}
        spots = place_runs(runs, self.places, busy, only_now=True)
        return next((spot for spot in spots if spot.start <= 0), None)

    def _avoiding(self, folder: RunFolder) -> Needs:
        """What it needs, without places where it crashed while there are others."""
        needs, avoided = self._of(folder), self._avoids.get(folder, set())
        left = {name: seconds for name, seconds in needs.seconds.items() if name not in avoided}
        elsewhere = {place.name for place in self.places} & left.keys()
        return replace(needs, seconds=left) if avoided and elsewhere else needs
