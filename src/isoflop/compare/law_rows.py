"""The final points of both sides as columns, for laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.sides import FinalRun, Side


@dataclass(frozen=True, kw_only=True, eq=False)
class FinalRows:
    """Final points of both sides on one set, (runs,) each; N is 1 where no run tells its size."""

    N: Array
    D: Array
    """Tokens; steps where those are not known."""
    loss: Array
    is_a: Array
    sized: bool
    """Whether N is known."""
    flops: Array
    """Training FLOPs as stated, else 6 N D."""

    @property
    def log_compute(self) -> Array:
        """ln N D: along a line in (N, D) FLOPs rise with it."""
        return np.asarray(np.log(self.N * self.D))


def final_rows(a: Side, b: Side, name: str) -> FinalRows | None:
    """The runs of both sides with a loss on this set and a known length; None where a side has none."""
    runs = [(run, side is a) for side in (a, b) for run in side.runs if name in run.losses and run.length is not None]
    if len({is_a for _, is_a in runs}) < 2:
        return None
    sized = all(run.params is not None for run, _ in runs)
    return FinalRows(
        N=np.array([_size(run) if sized else 1.0 for run, _ in runs]),
        D=np.array([run.length for run, _ in runs], dtype=np.float64),
        loss=np.array([run.losses[name] for run, _ in runs]),
        is_a=np.array([float(is_a) for _, is_a in runs]),
        sized=sized,
        flops=np.array([run.compute or run.length for run, _ in runs], dtype=np.float64),
    )


def places(values: Sequence[float] | Array) -> int:
    """How many values there are, those within 5 % counting as one."""
    return 1 + int(np.sum(np.diff(np.sort(np.log(values))) > 0.05))


def _size(run: FinalRun) -> float:
    assert run.params is not None
    return run.params
