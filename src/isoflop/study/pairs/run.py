"""Two recipes compared by training: rates first, then pairs, a look after each, until the verdict stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.compare import Comparison, compare_runs
from isoflop.compare.options import CompareOptions
from isoflop.corpus import Corpus
from isoflop.errors import Notice
from isoflop.runs import RunFolder
from isoflop.spec import RunSpec
from isoflop.study.pairs.decisions import Decisions, LookFound, PairLosses, Stopped
from isoflop.study.pairs.design import Pair, PairDesign
from isoflop.study.pairs.evidence import TrainedRun, audited, side_of
from isoflop.study.pairs.folder import ComparisonFolder
from isoflop.study.pairs.rates import RateCheck
from isoflop.study.pairs.side import TrainedSide
from isoflop.study.pairs.trained import PairTrainer
from isoflop.sweep import Design, fitted_specs
from isoflop.sweep.designs import LR_FACTORS
from isoflop.units import format_duration, format_flops, format_quantity

LOST = 2
"""Pairs that one side may lose to divergence before the comparison stops: a recipe that often diverges at its best rate
is not to be ranked by the runs that came through."""


@dataclass(frozen=True, kw_only=True)
class PairsOutcome:
    """What a comparison by training came to."""

    comparison: Comparison | None
    """None where no pair ended well."""
    decisions: Decisions
    design: PairDesign
    folder: Path
    seconds: float
    """That it took, earlier starts included."""


@dataclass(kw_only=True)
class PairsRun:
    """A comparison at work. What it decides follows from its runs and, where they are limited, the minutes."""

    folder: ComparisonFolder
    trainer: PairTrainer
    design: PairDesign
    text: Corpus
    """The study's: its validation text is that of both sides."""
    a: TrainedSide
    b: TrainedSide
    options: CompareOptions

    def run(self) -> PairsOutcome:
        """Trains what is missing, in order; returns what was found. Raises InterruptedStudy on Ctrl-C."""
        listener = self.trainer.study.listener
        listener.say(self._bill())
        listener.stage("rates")
        checks = self._checked_rates()
        decided = Decisions(
            a=self.a.name,
            b=self.b.name,
            rates={"a": checks[0].losses, "b": checks[1].losses},
            chosen={"a": checks[0].best, "b": checks[1].best},
        )
        self._save(decided)
        for side, check in zip((self.a, self.b), checks, strict=True):
            listener.say(f"{side.name}: {check.words()}")
        if diverged := [side.name for side, check in zip((self.a, self.b), checks, strict=True) if check.diverged]:
            listener.notice(_all_diverged(diverged))
            return self._ended(replace(decided, stopped="diverged"), None)
        if any(not check.losses for check in checks):
            return self._ended(replace(decided, stopped="minutes"), None)
        listener.stage("pairs")
        return self._pairs(decided, checks)

    def _bill(self) -> str:
        """What is about to be spent at the most, in a line."""
        sides = (self.a, self.b)
        specs = [spec for side in sides for spec in self._check_specs(side, LR_FACTORS)]
        unchecked = (RateCheck(losses={}), RateCheck(losses={}))
        specs += [spec for pair in self.design.order() for spec in self._specs(pair, unchecked)]
        missing = self.folder.runs.missing(specs)
        cells = " and ".join(
            f"{format_flops(cell.flops)} FLOPs ({format_quantity(cell.params)} parameters)"
            for cell in self.design.cells
        )
        return (
            f"at most {self.design.most} pairs, of {cells}: {len(missing)} runs to train, {len(specs) - len(missing)} "
            f"there already; about {format_duration(self.trainer.expected(specs))} with "
            f"{self.trainer.study.workers} workers if none is spared"
        )

    def _checked_rates(self) -> tuple[RateCheck, RateCheck]:
        """The rates of both sides, three and then one more at a time where the best is an outer one."""
        factors = [list(LR_FACTORS), list(LR_FACTORS)]
        while True:
            specs = [self._check_specs(side, tried) for side, tried in zip((self.a, self.b), factors, strict=True)]
            if not self.trainer.in_time([*specs[0], *specs[1]]):
                known = [
                    RateCheck(losses={}) if self.folder.runs.missing(of_side) else self._check(of_side, tried)
                    for of_side, tried in zip(specs, factors, strict=True)
                ]
                return known[0], known[1]
            named = zip((self.a, self.b), specs, strict=True)
            sides = {spec.run_id: side.name for side, of_side in named for spec in of_side}
            self.trainer.train([*specs[0], *specs[1]], sides)
            checks = [self._check(of_side, tried) for of_side, tried in zip(specs, factors, strict=True)]
            further = [check.next_factor for check in checks]
            if further == [None, None]:
                return checks[0], checks[1]
            for tried, factor in zip(factors, further, strict=True):
                if factor is not None:
                    tried.append(factor)

    def _check_specs(self, side: TrainedSide, factors: Sequence[float]) -> list[RunSpec]:
        return [side.check_spec(self.design, factor) for factor in factors]

    def _check(self, specs: Sequence[RunSpec], factors: Sequence[float]) -> RateCheck:
        losses = {}
        for factor, spec in sorted(zip(factors, specs, strict=True), key=lambda each: each[0]):
            result = self.folder.runs.result(spec)
            losses[factor] = None if result is None else result.val_loss_nats
        return RateCheck(losses=losses)

    def _pairs(self, decided: Decisions, checks: tuple[RateCheck, RateCheck]) -> PairsOutcome:
        """Trains pairs, `step` at a time, and looks at them."""
        order, looks = self.design.order(), self.design.looks
        comparison: Comparison | None = None
        for first in range(0, len(order), self.design.step):
            batch = order[first : first + self.design.step]
            specs = [spec for pair in batch for spec in self._specs(pair, checks)]
            if not self.trainer.in_time(specs):
                comparison = comparison or self._compared(decided, checks, looks.each)
                return self._ended(replace(decided, stopped="minutes"), comparison)
            self.trainer.train(specs, self._sides(batch, checks))
            decided = replace(decided, pairs=(*decided.pairs, *(self._losses(pair, checks) for pair in batch)))
            self._save(decided)
            for pair in decided.pairs[-len(batch) :]:
                self.trainer.study.listener.say(self._said(pair, len(decided.pairs)))
            lost = [sum(getattr(pair, f"loss_{side}") is None for pair in decided.pairs) for side in "ab"]
            stopped: Stopped | None = "diverged" if max(lost) >= LOST else None
            if len(decided.pairs) in looks.pairs or stopped:
                comparison = self._compared(decided, checks, looks.each)
                decided, found = self._looked(decided, comparison, looks.each)
                stopped = stopped or ("verdict" if found in ("better", "worse", "equal") else None)
            if stopped:
                return self._ended(replace(decided, stopped=stopped), comparison)
        return self._ended(replace(decided, stopped="pairs"), comparison)

    def _specs(self, pair: Pair, checks: tuple[RateCheck, RateCheck]) -> list[RunSpec]:
        return [
            side.pair_spec(self.design, pair, check.best) for side, check in zip((self.a, self.b), checks, strict=True)
        ]

    def _sides(self, pairs: Sequence[Pair], checks: tuple[RateCheck, RateCheck]) -> dict[str, str]:
        """{run_id: its recipe} of the runs of `pairs`."""
        names = (self.a.name, self.b.name)
        both = [zip(self._specs(pair, checks), names, strict=True) for pair in pairs]
        return {spec.run_id: name for pair in both for spec, name in pair}

    def _losses(self, pair: Pair, checks: tuple[RateCheck, RateCheck]) -> PairLosses:
        specs = self._specs(pair, checks)
        results = [self.folder.runs.result(spec) for spec in specs]
        losses = [None if result is None else result.val_loss_nats for result in results]
        return PairLosses(
            cell=pair.cell, seed=pair.seed, a=specs[0].run_id, b=specs[1].run_id, loss_a=losses[0], loss_b=losses[1]
        )

    def _looked(self, decided: Decisions, comparison: Comparison | None, level: float) -> tuple[Decisions, str]:
        if comparison is None:
            return decided, "cannot_tell"
        first = comparison.sets[0]
        look = LookFound(
            pairs=len(decided.pairs),
            level=level,
            verdict=first.verdict,
            multiplier=first.multiplier,
            interval=first.interval,
        )
        decided = replace(decided, looks=(*decided.looks, look))
        self._save(decided)
        return decided, first.verdict

    def _compared(self, decided: Decisions, checks: tuple[RateCheck, RateCheck], level: float) -> Comparison | None:
        """Side B against side A by the pairs of which both runs ended well; None where there is none."""
        whole = [Pair(cell=pair.cell, seed=pair.seed) for pair in decided.pairs if pair.whole]
        if not whole:
            return None
        runs: tuple[list[TrainedRun], list[TrainedRun]] = ([], [])
        for specs in (self._specs(pair, checks) for pair in whole):
            for of_side, spec in zip(runs, specs, strict=True):
                result = self.folder.runs.result(spec)
                assert result is not None, "a whole pair has both results"
                # on the axis of data what each spent is its tokens, and no cell's
                cell = None if self.options.axis == "data" else specs[0]
                of_side.append(TrainedRun(spec=spec, result=result, cell=cell))
        sweep = self._sweep() if checks[0].best == 1 else []
        a, b = side_of(self.a, runs[0], self.text, sweep), side_of(self.b, runs[1], self.text)
        found = compare_runs(a, b, replace(self.options, level=level))
        found = replace(found, notices=(*found.notices, *decided.lost_notices))
        return audited(found, checks, [[run.spec for run in of_side] for of_side in runs])

    def _sweep(self) -> list[TrainedRun]:
        """The sweep's runs, where the study has one and A is its recipe."""
        study = self.folder.study
        if not study.sweep.exists() or self.folder.baseline.exists():
            return []
        runs = []
        for spec in fitted_specs(Design.load(study.sweep)):
            run = RunFolder(study.runs / spec.run_id)
            result = run.read_result(spec) if run.spec.exists() else None
            if result is not None and result.val_loss_nats is not None:
                runs.append(TrainedRun(spec=spec, result=result))
        return runs

    def _said(self, pair: PairLosses, number: int) -> str:
        cell = self.design.cells[pair.cell]
        where = f"pair of {format_flops(cell.flops)} FLOPs, seed {pair.seed}"
        if not pair.whole:
            failed = [name for name, loss in ((self.a.name, pair.loss_a), (self.b.name, pair.loss_b)) if loss is None]
            return f"  {number} of {self.design.most}: {where}: {' and '.join(failed)} diverged or failed"
        assert pair.loss_a is not None
        assert pair.loss_b is not None
        gap = 1 - pair.loss_b / pair.loss_a
        words = "lower" if gap >= 0 else "higher"
        return f"  {number} of {self.design.most}: {where}: the loss of {self.b.name} is {abs(gap):.2%} {words}"

    def _save(self, decided: Decisions) -> None:
        decided.save(self.folder.decisions)

    def _ended(self, decided: Decisions, comparison: Comparison | None) -> PairsOutcome:
        self._save(decided)
        return PairsOutcome(
            comparison=comparison,
            decisions=decided,
            design=self.design,
            folder=self.folder.path,
            seconds=self.trainer.spent,
        )


def _all_diverged(names: Sequence[str]) -> Notice:
    message = f"{' and '.join(names)} diverged at every learning rate that was tried, so that nothing is compared"
    return Notice(code="side_diverged", message=f"{message}; lower its rate in the recipe")
