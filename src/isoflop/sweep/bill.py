"""The bill of a study before anything is spent: runs, FLOPs, minutes, disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arch import flops_per_token
from isoflop.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Training speed of one worker with all workers busy, measured at two or more sizes."""

    flops: tuple[float, ...]
    """FLOPs of an optimiser step, ascending."""
    flops_per_second: tuple[float, ...]
    eval_tokens_per_second: tuple[float, ...]

    def seconds(self, spec: RunSpec) -> float:
        """Expected seconds of one run on one worker: steps and evaluation, log-log interpolated in FLOPs a step."""
        per_step = flops_per_token(spec.architecture, spec.seq_len) * spec.batch_tokens
        training = per_step * spec.steps / self._at(per_step, self.flops_per_second)
        evaluated = spec.eval_tokens * 2  # two validation domains in the usual corpus
        return training + evaluated / self._at(per_step, self.eval_tokens_per_second)

    def _at(self, flops: float, values: Sequence[float]) -> float:
        # flat beyond the measured sizes: an extrapolated speed would promise too much
        return float(np.exp(np.interp(math.log(flops), np.log(self.flops), np.log(values))))


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a set of runs costs."""

    runs: int
    flops: float
    seconds: float
    """Wall time with all workers busy."""
    disk_bytes: float


BYTES_PER_PARAM_ON_DISK = 4 + 2 * 12
"""Final float32 weights, and at the most two checkpoints of weights and two moments while a run is going."""
BYTES_PER_RUN_ON_DISK = 100_000
"""Spec, metrics and result; measured 50-80 kB."""


def bill_for(specs: Sequence[RunSpec], speed: Speed, workers: int) -> Bill:
    """The bill of `specs`: longest first on `workers` equal workers, so the wall time is about the mean load,
    and never less than the longest run."""
    seconds = [speed.seconds(spec) for spec in specs]
    params = sum(spec.architecture.params().total for spec in specs)
    return Bill(
        runs=len(specs),
        flops=sum(flops_per_token(s.architecture, s.seq_len) * s.tokens for s in specs),
        seconds=max([sum(seconds) / workers, *seconds]) if seconds else 0.0,
        disk_bytes=params * BYTES_PER_PARAM_ON_DISK + len(specs) * BYTES_PER_RUN_ON_DISK,
    )
