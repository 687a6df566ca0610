"""The answer on one evaluation set where the recipes have floors or exponents of their own.

The multiplier is then the median over B's runs of what A's own law needs for their losses, over what they spent. A mean
over cells leaves out what A does not reach, and holds the truth in 0 to 65 % of comparisons of public designs
(bench/compare/inversion.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.gaps import Gaps
from isoflop.compare.judgement import Judgement, judge, multiplier_words, trend_of, trend_words
from isoflop.compare.law_rows import FinalRows
from isoflop.compare.loss_gap import LossGap, loss_gap
from isoflop.compare.options import CompareOptions
from isoflop.compare.own_law import FARTHEST, BaselineLaw, Drawn, baseline_law, drawn_runs, smooth, solved_runs, widened
from isoflop.compare.result import Multiplier, OwnLaw, PinnedFloor, Reach, SetVerdict, SlopeUsed
from isoflop.compare.set_verdict import SetAnswer, best_of, loss_verdict, needed_pairs, with_need
from isoflop.compare.trend import Line, robust_line
from isoflop.distributions import student_upper

_FLOOR_SHARES = (0.05, 0.5, 0.95)
"""Of the draws of E, at which the multiplier is shown."""
_HIGHEST_FLOOR = 0.99
"""Share of A's least loss below which a floor is held."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnAnswer:
    """What A's own law says of B's runs."""

    law: BaselineLaw
    N: Array
    """Of B's runs, as D and log_loss."""
    D: Array
    log_loss: Array
    offset: float
    """ln of what A spends over what B spends at one size and length."""
    values: Array
    """ln m of each run, without `offset`; FARTHEST where A does not reach it."""
    world: Drawn
    middle: float
    """ln m, the median over the runs, with `offset`."""
    ends: tuple[float, float]
    """Its interval."""
    sd: float
    line: Line | None
    """Of ln m over compute."""
    log_compute: Array
    """Of B's runs."""

    @property
    def reached(self) -> bool:
        """Whether A reaches half of B's runs, at the level of the interval."""
        return self.ends[1] - self.offset < FARTHEST

    @property
    def not_reached(self) -> int:
        """How many of B's runs A does not reach."""
        return int(np.sum(self.values >= FARTHEST))


def own_answer(rows: FinalRows, offset: float, options: CompareOptions) -> OwnAnswer | None:
    """A's own law at each run of B; None where A's runs do not identify one."""
    law = baseline_law(rows, options.axis == "data", options.draws, options.seed)
    if law is None:
        return None
    of_b = rows.is_a < 0.5
    N, D, log_loss, log_compute = rows.N[of_b], rows.D[of_b], np.log(rows.loss[of_b]), np.log(rows.flops[of_b])
    values = solved_runs(law, N, D, log_loss)
    middle = float(np.median(values))
    world = drawn_runs(law, N, D, smooth(law, N, D), np.ones(len(N)), options.seed + 1)
    # In a world without noise the true median is known, and with it how far a drawn one is off and leans.
    off = widened(np.median(world.drawn, axis=1) - float(np.median(world.truth)), law.degrees)
    tails, lean = np.quantile(off, [(1 + options.level) / 2, (1 - options.level) / 2]), float(np.median(off))
    # How far it leans is itself known badly: the interval holds the answer with and without it.
    low, high = (float(middle - tail + extreme(0.0, lean)) for tail, extreme in zip(tails, (min, max), strict=True))
    return OwnAnswer(
        law=law,
        N=N,
        D=D,
        log_loss=log_loss,
        offset=offset,
        values=values,
        world=world,
        middle=middle + offset,
        ends=(min(low, middle) + offset, max(high, middle) + offset),
        sd=float(off.std()),
        line=robust_line(values + offset, world.drawn + offset, log_compute, law.degrees),
        log_compute=log_compute,
    )


def answered(verdict: SetVerdict, own: OwnAnswer, options: CompareOptions) -> SetVerdict:
    """`verdict` with the numbers of A's own law; its cells and the pairs that would tell stay."""
    judged = judge(own.ends, math.log1p(options.equal_within))
    multiplier, interval = math.exp(own.middle), (math.exp(own.ends[0]), math.exp(own.ends[1]))
    between = None if own.line is None else own.line.slope_interval(options.level)
    slope = None if own.line is None else own.line.slope
    words = (
        f"{multiplier_words(multiplier, interval, options.level, options.axis)}, the median over B's runs by the law "
        "of A alone",
        trend_words(slope, between),
        "the recipes differ in more than a factor on sizes and tokens: the multiplier is that of these runs",
    )
    return replace(
        verdict,
        multiplier=multiplier,
        interval=interval,
        probability_above_1=student_upper(-own.middle / own.sd, own.law.degrees) if own.sd else float(own.middle > 0),
        slope=slope,
        slope_interval=between,
        trend=trend_of(between),
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=None,
        reason="; ".join(word for word in words if word),
        runs_of_b=len(own.N),
        runs_not_reached=own.not_reached,
        median=multiplier,
        own_law=OwnLaw(multiplier=multiplier, interval=interval, runs=len(own.N), runs_not_reached=own.not_reached),
        slope_used=_slope_used(own, options.level),
        pinned=_pinned(own),
        shrunk=best_of(own.middle, own.sd, options.variants),
        parts=_parts(own.world),
    )


def by_own_law(
    answer: SetAnswer, gaps: Gaps, rows: FinalRows, conversion: Conversion, spent: Array, options: CompareOptions
) -> SetAnswer:
    """`answer` by A's own law, where the test finds that the recipes have laws of their own; else as it is.

    It stays as it is also where A's runs do not identify a law, and where A does not reach B's losses. `spent` (cells,)
    is ln of what A's runs spent over what B's spent.
    """
    if not conversion.own_laws or not answer.verdict.reachable:
        return answer
    own = own_answer(rows, 0.0 if options.axis == "data" else _offset(gaps, spent), options)
    if own is None:
        return answer
    loss = loss_gap(gaps, conversion, options.level)
    if not own.reached:
        return replace(answer, verdict=_out_of_reach(answer.verdict, own, gaps, loss, conversion, options), line=None)
    verdict = answered(answer.verdict, own, options)
    judged = Judgement(verdict=verdict.verdict, within=verdict.equal_within)
    verdict = replace(
        verdict,
        pairs_needed=needed_pairs(judged, gaps, loss, verdict.trend),
        reason=with_need(verdict.reason, judged, gaps, loss, verdict.trend),
        cells=_cells(verdict.cells, gaps, own, options),
    )
    return replace(answer, verdict=verdict, line=own.line, log_compute=own.log_compute)


def _offset(gaps: Gaps, spent: Array) -> float:
    """ln of what A spends over what B spends at one size and length: FLOPs of a token, time or money."""
    of_design = [
        (cell.a.log_params or 0.0)
        + (cell.a.log_length or 0.0)
        - (cell.b.log_params or 0.0)
        - (cell.b.log_length or 0.0)
        for cell in gaps.cells
    ]
    return float(np.mean(spent - np.array(of_design)))


def _out_of_reach(
    cells: SetVerdict, own: OwnAnswer, gaps: Gaps, loss: LossGap, conversion: Conversion, options: CompareOptions
) -> SetVerdict:
    """The verdict of the loss, where A's own law does not reach half of B's runs, or may not."""
    runs = len(own.N)
    why = f"by its own law A does not reach B's loss in {own.not_reached} of {runs} runs, and may not in half of them"
    found = loss_verdict(gaps, loss, conversion, why, options)
    lost = tuple(replace(cell, multiplier=None, interval=None) for cell in cells.cells)
    return replace(found, runs_of_b=runs, runs_not_reached=own.not_reached, cells=lost)


def _cells(
    cells: tuple[Multiplier, ...], gaps: Gaps, own: OwnAnswer, options: CompareOptions
) -> tuple[Multiplier, ...]:
    """Each cell's multiplier by A's own law, at the mean ln loss of B's runs there."""
    members = [cell.b for cell in gaps.cells]
    N, D = (np.exp([getattr(group, name) for group in members]) for name in ("log_params", "log_length"))
    runs = np.array([len(group.runs) for group in members], dtype=np.float64)
    found = solved_runs(own.law, N, D, gaps.log_b)
    off = drawn_runs(own.law, N, D, gaps.log_b, runs, options.seed + 2).drawn - found
    drawn = found + widened(off - np.median(off, axis=0), own.law.degrees)
    ends = np.quantile(drawn, [(1 - options.level) / 2, (1 + options.level) / 2], axis=0)
    values = []
    for k, cell in enumerate(cells):
        here = bool(found[k] < FARTHEST)
        beyond: Reach = "extrapolated" if gaps.log_b[k] < own.law.lowest - 1e-12 else "measured"
        low, high = (math.exp(end + own.offset) for end in ends[:, k])
        interval = (low, high) if here and ends[1, k] < FARTHEST else None
        value = math.exp(found[k] + own.offset) if here else None
        values.append(replace(cell, multiplier=value, interval=interval, reach=beyond if here else "never"))
    return tuple(values)


def _slope_used(own: OwnAnswer, level: float) -> SlopeUsed:
    law = own.law
    best = float(law.slopes(law.law.theta[None], own.N, own.D).mean())
    off = law.slopes(law.law.draws, own.N, own.D).mean(axis=1) - best
    low, high = best + np.quantile(widened(off - np.median(off), law.degrees), [(1 - level) / 2, (1 + level) / 2])
    source = f"the law of A alone, with an E, alpha and beta of its own, fitted to {len(law.law.rows.z)} runs"
    return SlopeUsed(source=source, value=best, interval=(float(low), float(high)))


def _pinned(own: OwnAnswer) -> tuple[PinnedFloor, ...]:
    """The median with A's E held at each number; None where A then does not reach half of the runs."""
    found = []
    for drawn in np.exp(np.quantile(own.law.law.draws[:, 0], _FLOOR_SHARES)):
        E = min(float(drawn), _HIGHEST_FLOOR * math.exp(own.law.lowest))
        held = own.law.with_floor(E)
        middle = float(np.median(held.solved(held.law.theta[None], own.N, own.D, own.log_loss)))
        reached = middle < FARTHEST
        found.append(PinnedFloor(floor=E, multiplier=math.exp(middle + own.offset) if reached else None))
    return tuple(found)


def _parts(found: Drawn) -> dict[str, float]:
    """Standard deviation of ln m by the noise of B's runs, by the error of A's law, and by its form."""
    of = {"noise": found.by_noise, "slope": found.by_law, "form": found.by_form}
    return {name: sd for name, drawn in of.items() if (sd := float(np.median(drawn, axis=1).std())) > 0}
