"""Runs that a sweep may do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from isoflop.arch import Architecture
from isoflop.arrays import Array, Mask
from isoflop.codec import Count, Positive

CandidateKind = Literal["new", "branch", "repeat"]
"""A run of its own; a decay branched off a trunk that exists; a cell that was trained already, with another seed."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One run that could be next."""

    json_if_set: ClassVar = ("shape", "trunk")

    key: str
    """Name by which its owner finds it again, such as the run's id."""
    params: Positive
    """N in the convention of the study's fits."""
    tokens: Positive
    """D of the finished model: of a branch, trunk and decay together."""
    flops: Positive
    """FLOPs that it costs now: of a branch its own part alone."""
    law_flops: Positive
    """FLOPs of such a model trained alone, in the convention of the fits: where it lies on the frontier's axis."""
    seconds: Positive
    """Expected time on one worker."""
    kind: CandidateKind = "new"
    trunk: str | None = None
    """Root run that it branches off; None where it begins from scratch."""
    seed: Count = 0
    shape: Architecture | None = None
    """What is built; None where published rows stand for runs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CandidateColumns:
    """The candidates as arrays (candidates,)."""

    log_params: Array
    log_tokens: Array
    flops: Array
    law_flops: Array
    seconds: Array
    repeat: Mask
    """Whether it is a repeat."""
    trunk: tuple[str, ...]
    """Its root run: that of its trunk, else its own key."""

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> CandidateColumns:
        """The columns, in the order of `candidates`."""
        table = np.array([[c.params, c.tokens, c.flops, c.law_flops, c.seconds] for c in candidates]).reshape(-1, 5)
        return cls(
            log_params=np.log(table[:, 0]),
            log_tokens=np.log(table[:, 1]),
            flops=table[:, 2],
            law_flops=table[:, 3],
            seconds=table[:, 4],
            repeat=np.array([c.kind == "repeat" for c in candidates], dtype=np.bool_),
            trunk=tuple(c.trunk or c.key for c in candidates),
        )
