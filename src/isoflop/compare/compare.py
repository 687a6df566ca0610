"""Recipe B against recipe A: the audit, the cells, and on each evaluation set how much one is worth and how sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from isoflop.compare.audit import audit
from isoflop.compare.cells import Group, groups, match
from isoflop.compare.curves import curves_of
from isoflop.compare.gaps import Gaps, gaps_of
from isoflop.compare.law_rows import final_rows
from isoflop.compare.law_verdict import law_verdict
from isoflop.compare.noise import NOTHING, floor_of, of_groups
from isoflop.compare.notices import comparison_notices
from isoflop.compare.options import CompareOptions
from isoflop.compare.own_law_verdict import by_own_law
from isoflop.compare.result import Audit, Comparison, Savings
from isoflop.compare.runs_reached import with_reach
from isoflop.compare.savings import savings
from isoflop.compare.set_verdict import SetAnswer, set_verdict
from isoflop.compare.sides import Side, in_one_length
from isoflop.compare.slope import conversion_for
from isoflop.compare.spending import log_spent
from isoflop.errors import RefusedError


def compare_runs(a: Side, b: Side, options: CompareOptions | None = None) -> Comparison:
    """B against A by the final losses of their runs.

    Raises RefusedError `not_comparable` where something differs that must be equal (tokenizer, bytes of evaluation,
    unit of the loss), `no_common_set` where no evaluation set is on both sides, and `no_common_cell` where no size and
    length of training is and no law of both recipes follows from their runs.
    """
    asked = CompareOptions() if options is None else options
    common = tuple(name for name in a.sets if name in b.sets)
    if not common:
        raise RefusedError(
            "no_common_set",
            f"{a.name} and {b.name} have no evaluation set in common: {', '.join(a.sets)} against {', '.join(b.sets)}",
        )
    a, b = in_one_length(a, b)
    cells = match(groups(a), groups(b))
    checked = audit(a, b, cells)
    _refuse(checked)
    answers: list[SetAnswer] = []
    noises = []
    for name in common:
        own = _of_set((a, b), name)
        # A file of many recipes may hold the compared ones too: each run counts once.
        known = {_likeness(group, name) for group in own}
        extra = [group for group in _of_set(asked.noise_from, name) if _likeness(group, name) not in known]
        floor = floor_of([*own, *extra], name, asked.level)
        if floor is not None:
            noises.append(floor)
        gaps = gaps_of(cells, name, of_groups(extra, name) if extra else NOTHING)
        answer = _answer(a, b, gaps, name, asked)
        if answer is not None:
            answers.append(answer)
    if not answers:
        raise RefusedError(
            "no_common_cell",
            f"no run of {a.name} has the size and length of one of {b.name}, and their runs do not identify a law of "
            "both: train both at one size and one number of tokens at least",
        )
    sets, saved = tuple(answer.verdict for answer in answers), _saved(answers, asked)
    return Comparison(
        a=a.name,
        b=b.name,
        axis=asked.axis,
        level=asked.level,
        audit=checked,
        sets=sets,
        noise=noises[0] if noises else None,
        saved=saved,
        loss_unit=a.loss_unit,
        notices=(*a.notices, *b.notices, *comparison_notices(sets, checked, cells, saved, asked)),
        noises=tuple(noises),
    )


def _answer(a: Side, b: Side, gaps: Gaps | None, name: str, asked: CompareOptions) -> SetAnswer | None:
    """The answer on one set: by its cells, else by the law of both recipes; None where neither is there."""
    rows = final_rows(a, b, name)
    if gaps is None:
        verdict = None if rows is None else law_verdict(rows, name, asked)
        return None if verdict is None else SetAnswer(verdict=verdict)
    spent = log_spent(gaps, asked)
    lowest = _least_loss(a, name), _least_loss(b, name)
    conversion = conversion_for(gaps, rows, asked)
    answer = with_reach(set_verdict(gaps, conversion, spent, lowest, asked), gaps, a, b)
    if rows is not None:
        answer = by_own_law(answer, gaps, rows, conversion, spent, asked)
    answer = replace(answer, verdict=replace(answer.verdict, curves=curves_of(gaps)))
    on_compute = log_spent(gaps, replace(asked, axis="compute")) if asked.axis in ("time", "money") else spent
    return replace(answer, to_compute=float(np.mean(on_compute - spent)))


def _of_set(sides: Sequence[Side], name: str) -> list[Group]:
    found = (group.of_set(name) for side in sides for group in groups(side))
    return [group for group in found if group is not None]


def _likeness(group: Group, name: str) -> tuple[float | None, ...]:
    """What two readings of the same runs have in common, whatever the runs are called there."""
    return group.log_params, group.log_length, *sorted(group.losses(name).tolist())


def _saved(answers: list[SetAnswer], asked: CompareOptions) -> Savings | None:
    """The savings at the planned run by the first set whose multiplier has a line through two computes."""
    for answer in answers:
        if answer.line is not None and answer.log_compute is not None:
            return savings(answer.line, answer.log_compute, answer.to_compute, asked, answer.verdict.name)
    return None


def _least_loss(side: Side, name: str) -> float:
    """ln of the least loss that any run has on a set."""
    return math.log(min(run.losses[name] for run in side.runs if name in run.losses))


def _refuse(checked: tuple[Audit, ...]) -> None:
    """Raises where something differs that must be equal; what is not known on one side does not forbid a verdict."""
    differ = [each for each in checked if each.must and not each.equal and "unknown" not in (each.a, each.b)]
    if differ:
        words = "; ".join(f"{each.what}: {each.a} against {each.b} ({each.remark})" for each in differ)
        raise RefusedError("not_comparable", words)
