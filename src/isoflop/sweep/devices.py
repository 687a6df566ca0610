"""Accelerators of a sweep: what a run takes there, in seconds and bytes, and where each run would go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isoflop.arch.layout import FLOAT32, TrainingSetup
from isoflop.arch.memory import PUBLISHED_OVER_ACCOUNT, train_memory
from isoflop.runs.placement import Needs, Place, Spot, place_runs
from isoflop.spec import RunSpec
from isoflop.sweep.speed import Speed

CONTEXT_BYTES = 2.0**30
"""Of an accelerator's memory for each process: its context, kernels and the workspace of cuBLAS. An assumption, not
measured here: half of it is what drivers are known to take."""
RESERVE = 0.1
"""Share of an accelerator's memory that no run is planned into: the allocator's gaps, and what others have there. The
share that plans on devices leave too (`plan.layout_search.MEMORY_SHARE`)."""


@dataclass(frozen=True, kw_only=True)
class SharedDevice:
    """An accelerator as a sweep uses it."""

    place: Place
    speeds: Mapping[int, Speed]
    """{processes that train there side by side: the speed of each}, measured."""
    what: str
    """Its driver's name and the precision of its products, for people."""


def device_memory(spec: RunSpec, most: float) -> tuple[float, int]:
    """(bytes of an accelerator that `spec` takes, sequences at a time): whole batches, or halves of halves of them,
    until it takes no more than `most`.

    The account counts activations in 32 bits, also where products are in bfloat16, and takes the largest ratio that
    published runs had to it. One sequence at a time may still be more than `most`.
    """
    formats, sequences = FLOAT32.with_optimizer(spec.optimizer.hidden), spec.sequences
    while True:
        setup = TrainingSetup(seq_len=spec.seq_len, sequences=sequences, formats=formats)
        taken = CONTEXT_BYTES + PUBLISHED_OVER_ACCOUNT[1] * train_memory(spec.architecture, setup).total
        if taken <= most or sequences == 1:
            return taken, sequences
        sequences = math.ceil(sequences / 2)


def needs_of(spec: RunSpec, speed: Speed, workers: int, devices: Sequence[SharedDevice]) -> Needs:
    """What a run of `spec` takes on one of `workers` cores of `speed`, and on each of `devices`."""
    seconds: dict[str, Mapping[int, float]] = {"cpu": {workers: speed.seconds(spec)}}
    most = min((device.place.memory_bytes or 0.0 for device in devices), default=0.0)
    taken, sequences = device_memory(spec, most) if devices else (0.0, spec.sequences)
    for device in devices:
        seconds[device.place.name] = {count: own.seconds(spec) for count, own in device.speeds.items()}
    return Needs(
        seconds=seconds,
        device_bytes=taken,
        micro_batch_sequences=sequences if sequences < spec.sequences else None,
    )


def placed_specs(
    specs: Sequence[RunSpec], speed: Speed, workers: int, devices: Sequence[SharedDevice]
) -> list[Spot[str]]:
    """Where each of `specs`, by run id, goes and when: longest first, each where it ends first."""
    places = places_of(workers, devices)
    return place_runs({spec.run_id: needs_of(spec, speed, workers, devices) for spec in specs}, places)


def placed_seconds(
    specs: Sequence[RunSpec], speed: Speed, workers: int, devices: Sequence[SharedDevice]
) -> tuple[dict[str, float], int]:
    """({run id: seconds of the run where it would go}, processes at a time on the places that have any)."""
    spots = placed_specs(specs, speed, workers, devices)
    used = {spot.place.name: spot.place.slots for spot in spots}
    return {spot.run: spot.end - spot.start for spot in spots}, sum(used.values())


def places_of(workers: int, devices: Sequence[SharedDevice]) -> tuple[Place, ...]:
    """The cores, then the accelerators."""
    return (Place(name="cpu", slots=workers), *(device.place for device in devices))


def slots_of(speeds: Mapping[int, Speed], specs: Sequence[RunSpec]) -> int:
    """Processes that share an accelerator: of those numbers that were measured, the one with the most work a second.

    Over `specs`, by the geometric mean; the least of equal ones.
    """

    def work(count: int) -> float:
        return sum(math.log(count / speeds[count].step(spec)) for spec in specs)

    return max(sorted(speeds), key=work)
