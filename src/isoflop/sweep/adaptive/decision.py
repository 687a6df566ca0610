"""What the policy decides, with the numbers that led to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from isoflop.codec import Count, JsonObject, Number, Positive, PositivePair, fields_to_json, from_json
from isoflop.sweep.adaptive.candidate import Candidate
from isoflop.units import format_flops, format_number, format_quantity, percent

RunReason = Literal["V-optimal", "frontier check", "widen", "repeat: noise limits", "idle worker"]
"""Why a run was chosen: it lowers the variances most for its cost; the third of the FLOPs near the frontier is not
there yet; the best size lies near an edge of the sizes; noise limits the plan, and a second seed measures it; a worker
would else be idle until the longest run of the batch ends."""
StopReason = Literal[
    "tolerance reached", "next batch costs more than it saves", "budget spent", "no candidate left", "time"
]
LEVEL = 0.9
"""Probability of the intervals."""


@dataclass(frozen=True, kw_only=True)
class ChosenRun:
    """A run of the batch, and why."""

    candidate: Candidate
    reason: RunReason


@dataclass(frozen=True, kw_only=True)
class NoiseFloor:
    """How much the loss of one run scatters, as a standard deviation of ln loss."""

    sd: Positive
    """Relative: 0.005 is half a per cent."""
    dof: Positive
    """Degrees of freedom that it rests on, what was assumed before any row included."""
    repeats: Count
    """Rows beyond the first of their cell: with none, the scatter about the fits stands for noise."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The next batch, or why there is none. The decision is a function of the rows, the candidates and the limits."""

    json_also: ClassVar = ("sentence", "sweep_share")

    runs: tuple[ChosenRun, ...]
    """In the order in which they were chosen; empty at the end of the sweep."""
    stop: StopReason | None
    """Why the sweep ends; None where it continues."""
    waste_before: Number
    """Expected waste of the planned run with the rows so far, as a share of its FLOPs, the error of form included."""
    waste_after: Number
    """The same expected after the batch; `waste_before` where there is none."""
    params: Positive
    """Best size for the target with the rows so far."""
    params_interval: PositivePair
    """Where it lies with probability LEVEL."""
    log_params_se: Number
    """Standard error of ln N_opt(target), the error of form included."""
    log_loss_se: Number
    """Standard error of ln L(target)."""
    noise_share: Number
    """Share of the variance of ln N_opt(target) that more rows of the same kind lower; the rest is error of form."""
    noise: NoiseFloor
    rows: Count
    """Rows that this rests on."""
    sweep_flops: Number
    """FLOPs of the sweep so far."""
    batch_flops: Number
    """FLOPs of the batch, or of the batch that did not pay."""
    target_flops: Positive
    frontier_share: Number
    """Share of the sweep's FLOPs near the frontier, the batch included."""

    @property
    def sweep_share(self) -> float:
        """FLOPs of the sweep so far over those of the planned run."""
        return self.sweep_flops / self.target_flops

    @property
    def sentence(self) -> str:
        """One line for a terminal."""
        before, after = percent(self.waste_before, 2), percent(self.waste_after, 2)
        if not self.runs:
            share = format_number(100 * self.sweep_share, 2)
            price = ""
            if self.stop == "next batch costs more than it saves":
                cost = percent(self.batch_flops / self.target_flops, 2)
                saves = percent(self.waste_before - self.waste_after, 2)
                price = f" ({cost} of the target for {saves} less waste)"
            return f"done: {self.stop}{price}; expected waste {before}, the sweep cost {share} % of the target"
        listed = [
            f"{format_quantity(run.candidate.params, 2)} on {format_quantity(run.candidate.tokens, 2)} tokens"
            for run in self.runs
        ]
        shown = ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
        return f"next: {shown}, {format_flops(self.batch_flops, 2)} FLOPs: expected waste {before} -> {after}"

    def as_json(self) -> JsonObject:
        """All fields, the sentence and the sweep's share of the target."""
        return fields_to_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object], what: str = "decision") -> Decision:
        """The decision that `as_json` wrote. Raises InputError that lists what is missing or of another type."""
        return from_json(cls, value, what)
