"""The cost of a study before anything is spent: runs, FLOPs, minutes, disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isoflop.run_tree import steps_to_keep
from isoflop.spec import RunSpec
from isoflop.sweep.devices import SharedDevice, placed_specs
from isoflop.sweep.speed import Speed


@dataclass(frozen=True, kw_only=True)
class SweepCost:
    """What a set of runs costs."""

    runs: int
    flops: float
    """Spent by the runs themselves: steps that runs have in common count once."""
    seconds: float
    """Wall time with all workers busy."""
    disk_bytes: float


BYTES_PER_PARAM_ON_DISK = 4 + 2 * 12
"""Final float32 weights, and at the most two checkpoints of weights and two moments while a run is going."""
BYTES_PER_PARAM_KEPT = 12
"""A checkpoint that a trunk keeps for its branches: weights and two moments."""
BYTES_PER_RUN_ON_DISK = 100_000
"""Spec, metrics and result; measured 50-80 kB."""


def sweep_cost(specs: Sequence[RunSpec], speed: Speed, workers: int, devices: Sequence[SharedDevice] = ()) -> SweepCost:
    """The cost of `specs`: longest first on `workers` equal workers, so the wall time is about the mean load,
    and never less than the longest run. With `devices` each run is where it ends first (`placement.place_runs`)."""
    if devices:
        wall = max((spot.end for spot in placed_specs(specs, speed, workers, devices)), default=0.0)
    else:
        seconds = [speed.seconds(spec) for spec in specs]
        wall = max([sum(seconds) / workers, *seconds], default=0.0)
    params = [spec.architecture.params().total for spec in specs]
    by_id = {spec.run_id: count for spec, count in zip(specs, params, strict=True)}
    kept = sum(len(steps) * by_id.get(name, 0) for name, steps in steps_to_keep(specs).items())
    return SweepCost(
        runs=len(specs),
        flops=sum(spec.spent_flops for spec in specs),
        seconds=wall,
        disk_bytes=sum(params) * BYTES_PER_PARAM_ON_DISK
        + kept * BYTES_PER_PARAM_KEPT
        + len(specs) * BYTES_PER_RUN_ON_DISK,
    )
