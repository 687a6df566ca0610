"""sweep/decisions.json: what an adaptive sweep decided, batch by batch, each written before its runs are started."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from isoflop.codec import JsonObject, Positive, fields_to_json, to_json
from isoflop.digest import read_value, write_with_digest
from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.regular_files import make_folder
from isoflop.report.adaptive_record import AdaptiveRecord
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design, DesignedRun, spent_flops
from isoflop.sweep.adaptive import Decision
from isoflop.sweep.allowance import FINAL_RATIO

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision, what it knew, and when."""

    decision: Decision
    rows: tuple[str, ...]
    """Ids of the runs that ended well before it, in the order of the design: what it rests on."""
    elapsed_seconds: float
    """Time of the study so far, over all its starts."""


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """The record of a sweep. Runs of its design that are named nowhere here were never started."""

    first: tuple[str, ...]
    """Ids of the runs before any decision, those of the learning-rate check included."""
    largest_run: Positive
    """FLOPs of the dearest cells of the grid, on which all decisions of a sweep are made."""
    decisions: tuple[Decided, ...] = ()
    final_flops: Positive | None = None
    """FLOPs of the planned run, set when the sweep ends; None before."""
    one_more: Decision | None = None
    """What one more batch would be, whatever ended the sweep; None before its end."""
    elapsed_seconds: float = 0.0
    """Time of the study when this was written, over all its starts."""
    schema: int = SCHEMA

    @property
    def last(self) -> Decision | None:
        """The newest decision."""
        return self.decisions[-1].decision if self.decisions else None

    @property
    def ended(self) -> bool:
        """Whether the sweep is done."""
        return self.final_flops is not None

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of all runs that were decided on, in order."""
        return (*self.first, *(run.candidate.key for one in self.decisions for run in one.decision.runs))

    def design(self, designed: Design) -> Design:
        """The part of `designed` that was decided on. Raises InputError where a run of it is missing there."""
        if missing := [name for name in self.names if name not in designed.by_id]:
            raise InputError(
                f"decisions: {', '.join(missing[:3])} {'is' if len(missing) == 1 else 'are'} not among the designed "
                "runs; restore sweep.json and sweep/decisions.json from the same backup"
            )
        known = set(self.names)
        return replace(designed, runs=tuple(run for run in designed.runs if run.spec.run_id in known))


def read_decisions(folder: StudyFolder) -> Decisions | None:
    """The record of the study; None where there is none.

    Raises InputError for a record that was changed, or that is of another version.
    """
    if not folder.decisions.exists():
        return None
    found = read_value(Decisions, folder.decisions)
    if found.schema != SCHEMA:
        raise InputError(f"{folder.decisions}: decisions of another version of isoflop; use that version")
    if not math.isfinite(found.elapsed_seconds) or found.elapsed_seconds < 0:
        raise InputError(f"{folder.decisions}: elapsed_seconds: expected seconds, got {found.elapsed_seconds!r}")
    return found


def adaptive_record(folder: StudyFolder) -> AdaptiveRecord | None:
    """What the sweep of the study decided so far; None where it was designed at once, or is not designed yet."""
    found = read_decisions(folder)
    if found is None or not folder.sweep.exists():
        return None
    last = found.last
    target = found.final_flops or (last.target_flops if last else FINAL_RATIO * found.largest_run)
    return AdaptiveRecord(
        decisions=tuple(one.decision for one in found.decisions),
        one_more=found.one_more,
        sweep_flops=spent_flops(found.design(Design.load(folder.sweep)).specs),
        target_flops=target,
    )


def sweep_answer(sweep: AdaptiveRecord) -> JsonObject:
    """{decisions, stopped_because, sweep_flops, target_flops, sweep_share, expected_waste, next_batch, noise_floor}.

    `next_batch` is what one more batch would cost and buy once the sweep has ended, and the batch at work before.
    """
    last = sweep.last
    ahead = sweep.one_more if last is not None and last.stop is not None else last
    batch = None if ahead is None or not ahead.runs else ahead
    return {
        "decisions": [
            {
                "chosen": [to_json(run) for run in one.runs],
                "flops": one.batch_flops,
                "waste_before": one.waste_before,
                "waste_after": one.waste_after,
                "sentence": one.sentence,
            }
            for one in sweep.decisions
        ],
        "stopped_because": None if last is None else last.stop,
        "sweep_flops": sweep.sweep_flops,
        "target_flops": sweep.target_flops,
        "sweep_share": sweep.sweep_flops / sweep.target_flops,
        "expected_waste": sweep.waste,
        "next_batch": None if batch is None else {"flops": batch.batch_flops, "waste_after": batch.waste_after},
        "noise_floor": None if last is None else to_json(last.noise),
    }


def write_decisions(folder: StudyFolder, decisions: Decisions) -> None:
    """Writes the record, whole or not at all."""
    with storing(folder.decisions):
        make_folder(folder.decisions.parent)
    write_with_digest(folder.decisions, fields_to_json(decisions))


def with_runs(design: Design, runs: Sequence[DesignedRun]) -> Design:
    """`design` and `runs` behind its own."""
    return replace(design, runs=(*design.runs, *runs))
