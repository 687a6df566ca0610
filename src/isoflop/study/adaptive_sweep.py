"""The adaptive sweep of a study: first runs, then batches, each decided by what the runs before it showed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from isoflop.codec import JsonObject
from isoflop.corpus import Corpus
from isoflop.errors import RefusedError
from isoflop.recipe import SmallRecipe
from isoflop.report.adaptive_record import AdaptiveRecord
from isoflop.run_tree import roots
from isoflop.runs.engine import Engine
from isoflop.runs.folder import RunFolder
from isoflop.runs.kept import ask_for, remove_kept
from isoflop.runs.outcomes import PARAMS_CONVENTION
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.study.clock import Clock
from isoflop.study.decisions import (
    Decided,
    Decisions,
    adaptive_record,
    read_decisions,
    sweep_answer,
    with_runs,
    write_decisions,
)
from isoflop.study.least_adaptive import too_little
from isoflop.study.text_limit import most_tokens, text_limits
from isoflop.study.training_stages import Study, check_corpus, train_with, trainers, warn_of_repeated_text
from isoflop.sweep import Design, DesignedRun, Speed, fitted_specs, spent_flops
from isoflop.sweep.adaptive import Decision, Evidence, Limits, SweepPrice, next_batch, price_of_sweep
from isoflop.sweep.adaptive.limits import BATCH
from isoflop.sweep.adaptive.search import LEAST_GAIN
from isoflop.sweep.adaptive_runs import RunGrid, steps_to_branch_at
from isoflop.sweep.allowance import FINAL_RATIO, Allowance, rounded_down
from isoflop.sweep.places import TrainingPlaces

NO_TOLERANCE = 1e-12
"""Of a batch that is priced, although the sweep has ended."""


@dataclass(frozen=True, kw_only=True)
class AdaptiveSweep:
    """What decides on the runs of a study's sweep."""

    study: Study
    recipe: SmallRecipe
    text: Corpus
    speed: Speed

    def first_design(self, *, keep: bool = True) -> Design:
        """The runs so far: those before any decision where the sweep has not begun, which `keep` saves."""
        study, folder = self.study, self.study.folder
        study.listener.stage("design")
        record = read_decisions(folder) if folder.sweep.exists() else None
        if record is not None:
            design = record.design(Design.load(folder.sweep))
            check_corpus(study, design, self.text)
            return design
        largest = self.clock().allowance(0.0, None).largest_run
        try:
            first = self.grid(largest).first_design()
        except RefusedError as error:  # the size is an option of the user's
            most = self._most_tokens
            raise too_little(
                study.settings, self.recipe, study.places(self.speed), most_tokens=most, where=" here"
            ) from error
        warn_of_repeated_text(study, first, self.text)
        if (limited := self.clock().limited_by_text()) is not None:
            study.listener.notice(text_limits(self.text, *limited))
        first = replace(first, asked=study.settings.deciding)
        if keep:
            first.save(folder.sweep)
            write_decisions(folder, Decisions(first=tuple(first.by_id), largest_run=largest))
        return first

    def grid(self, largest_run: float, places: TrainingPlaces | None = None) -> RunGrid:
        """The runs that are possible, up to `largest_run` FLOPs; their times are by `places`, or as was measured."""
        return RunGrid(
            recipe=self.recipe,
            places=places or self.study.places(self.speed),
            corpus=self.text.digest,
            seed=self.study.settings.seed,
            largest_run=largest_run,
            most_tokens=self._most_tokens,
        )

    @property
    def _most_tokens(self) -> float:
        """Tokens of the longest run that the text allows."""
        return most_tokens(self.study.settings, self.text)

    def clock(self, earlier: float = 0.0) -> Clock:
        """The time of the study, `earlier` seconds of which other drivers took."""
        study = self.study
        return Clock(
            settings=study.settings,
            recipe=self.recipe,
            places=study.places(self.speed),
            elapsed=lambda: earlier + study.clock(),
            most_tokens=self._most_tokens,
        )

    def final_flops(self) -> float:
        """FLOPs of the planned run: as set where the sweep has ended, else as they would be now."""
        record = read_decisions(self.study.folder)
        if record is not None and record.final_flops is not None:
            return record.final_flops
        return self.clock().allowance(0.0, None).target_flops

    def bill_lines(self, design: Design) -> list[str]:
        """What the sweep is expected to cost, in lines for the terminal."""
        record = read_decisions(self.study.folder)
        if record is not None and record.last is not None:
            return [f"sweep: {len(design.specs)} runs so far; {record.last.sentence}"]
        first = [f"sweep: {len(design.specs)} runs to begin with, then in batches"]
        return [*first, f"  {self.price(design).sentence}"]

    def answer(self, design: Design) -> JsonObject:
        """What was decided so far, and before the first decision what the sweep is expected to cost, as `price`."""
        record = adaptive_record(self.study.folder)
        if record is not None and record.last is not None:
            return {"price": None, **sweep_answer(record)}
        price = self.price(design)
        expected = AdaptiveRecord(decisions=(), one_more=None, sweep_flops=price.flops, target_flops=price.target_flops)
        return {**sweep_answer(expected), "expected_waste": price.waste, "price": price.as_json()}

    def price(self, design: Design) -> SweepPrice:
        """The expected cost of the whole sweep, its first runs being those of `design`."""
        allowance = self.clock().allowance(0.0, None)
        grid = self.grid(allowance.largest_run)
        fitted = {spec.run_id for spec in fitted_specs(design)}
        checks = [spec.spent_flops for spec in design.specs if spec.run_id not in fitted]
        return price_of_sweep(
            [one.candidate for one in grid.possible(Design(runs=()))],
            grid.guess,
            span=grid.span,
            target_flops=allowance.target_flops,
            limits=self._limits(allowance, sum(checks)),
            cost=grid.cost(),
            without_row=checks,
        )

    def train(self) -> Design:
        """Trains what was decided on and is missing, decides, and continues until there is a reason to stop.

        Returns the whole design. Raises RefusedError where the runs do not allow a decision.
        """
        folder = self.study.folder
        record = read_decisions(folder)
        assert record is not None, "first_design was called"
        design = record.design(Design.load(folder.sweep))
        clock, places = self.clock(record.elapsed_seconds), self.study.places(self.speed)
        with ExitStack() as stack:
            engine: Engine | None = None
            while True:
                missing = [spec for spec in design.specs if self._result(spec) is None]
                if missing:
                    engine = engine or stack.enter_context(trainers(self.study, places.slots))
                    self.study.listener.expect(clock.expected(missing, ended=record.ended))
                    self._keep_checkpoints(missing)
                    train_with(engine, self.study, missing, places.seconds)
                if record.ended:
                    remove_kept(RunFolder(folder.runs / spec.run_id) for spec in design.specs)
                    return design
                record, design = self._decide(record, design, clock)

    def _keep_checkpoints(self, specs: Sequence[RunSpec]) -> None:
        """Has runs keep the checkpoints from which others may branch off, asked for before they start."""
        for spec in specs:
            if spec.begins is None:
                ask_for(RunFolder.create(self.study.folder.runs, spec), *steps_to_branch_at(spec))

    def _decide(self, record: Decisions, design: Design, clock: Clock) -> tuple[Decisions, Design]:
        """The record and the design with one more decision, both on disk; said to the listener."""
        rows = [(spec, result) for spec in fitted_specs(design) if (result := self._good(spec)) is not None]
        clock.observe([(spec, result) for spec in design.specs if (result := self._result(spec)) is not None])
        spent = spent_flops(design.specs)
        allowance = clock.allowance(spent, record.last)
        possible = self.grid(record.largest_run, clock.places_now).possible(design)
        candidates = [one.candidate for one in possible]
        evidence = evidence_of(rows, design)
        limits = self._limits(allowance, spent - evidence.total_flops)
        target = max(allowance.target_flops, FINAL_RATIO * max(spec.flops for spec in design.specs))
        decision = next_batch(evidence, candidates, target_flops=target, limits=limits)
        if decision.runs and decision.waste_after > (1 - LEAST_GAIN) * decision.waste_before:
            # what is left buys next to nothing by its gain for its cost: a batch that pays, or the end
            decision = next_batch(evidence, candidates, target_flops=target, limits=replace(limits, must_pay=True))
        specs = {one.candidate.key: one.spec for one in possible}
        design = with_runs(
            design, [DesignedRun(spec=specs[run.candidate.key], purpose="adaptive") for run in decision.runs]
        )
        decided = Decided(
            decision=decision, rows=tuple(spec.run_id for spec, _ in rows), elapsed_seconds=clock.elapsed()
        )
        final = None if decision.stop is None else self._final_flops(clock, design, decision)
        one_more = None
        if final is not None:
            free = replace(limits, tolerance=NO_TOLERANCE, flops=math.inf, seconds=math.inf, must_pay=False)
            one_more = next_batch(evidence, candidates, target_flops=final, limits=free)
        record = replace(
            record,
            decisions=(*record.decisions, decided),
            final_flops=final,
            one_more=one_more,
            elapsed_seconds=clock.elapsed(),
        )
        # the design first: runs in it that no decision names were never started, and are left out
        design.save(self.study.folder.sweep)
        write_decisions(self.study.folder, record)
        self.study.listener.say(f"  {decision.sentence}")
        return record, design

    def _limits(self, allowance: Allowance, lost: float) -> Limits:
        """The limits of a decision; `lost` FLOPs were spent on runs that gave no row."""
        settings, slots = self.study.settings, self.study.places(self.speed).slots
        return Limits(
            tolerance=settings.tolerance,
            largest_run=allowance.largest_run,
            flops=max(allowance.sweep_flops - lost, 1.0),
            seconds=allowance.worker_seconds,
            batch=max(BATCH, slots),
            workers=slots,
            # of a study whose size is stated, what the sweep does not take makes no run cheaper
            must_pay=settings.target_flops is not None,
            measure="flops" if settings.minutes is None else "seconds",
        )

    def _final_flops(self, clock: Clock, design: Design, decision: Decision) -> float:
        """FLOPs of the planned run, to three digits, at least FINAL_RATIO times the largest run of the sweep."""
        final = rounded_down(clock.final_flops(spent_flops(design.specs), decision))
        return max(final, FINAL_RATIO * max(spec.flops for spec in design.specs))

    def _result(self, spec: RunSpec) -> RunResult | None:
        run = RunFolder(self.study.folder.runs / spec.run_id)
        return run.read_result(spec) if run.spec.exists() else None

    def _good(self, spec: RunSpec) -> RunResult | None:
        result = self._result(spec)
        return result if result is not None and result.status == "done" and result.val_loss_nats else None


def evidence_of(rows: Sequence[tuple[RunSpec, RunResult]], design: Design) -> Evidence:
    """The rows that decisions rest on. What the learning-rate check of a cell costs is a cost of its row."""
    fitted, trees = {spec.run_id for spec in fitted_specs(design)}, roots(design.specs)
    checks: dict[str, float] = {}
    for spec in design.specs:
        if spec.run_id not in fitted:
            checks[spec.group] = checks.get(spec.group, 0.0) + spec.spent_flops
    spent = [spec.spent_flops + checks.pop(spec.group, 0.0) for spec, _ in rows]
    return Evidence.of(
        params=[result.params[PARAMS_CONVENTION] for _, result in rows],
        tokens=[spec.tokens for spec, _ in rows],
        flops=[spec.flops for spec, _ in rows],
        loss=[result.val_loss_nats or 0.0 for _, result in rows],
        trunk=[trees[spec.run_id] for spec, _ in rows],
        seed=[spec.seed for spec, _ in rows],
        spent=spent,
    )
