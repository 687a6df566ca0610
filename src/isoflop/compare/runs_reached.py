"""How many of B's runs A does not reach, and the median over cells, which needs none of them left out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from isoflop.compare.gaps import Gaps
from isoflop.compare.set_verdict import SetAnswer
from isoflop.compare.sides import Side


def with_reach(answer: SetAnswer, gaps: Gaps, a: Side, b: Side) -> SetAnswer:
    """The answer with `runs_of_b`, `runs_not_reached` and `median`."""
    cells, name = answer.verdict.cells, gaps.name
    least = min(run.losses[name] for run in a.runs if name in run.losses)
    never = [cell.reach == "never" for cell in cells]
    partnered = {run.name for cell in gaps.cells for run in cell.b.runs}
    of_b = [run for run in b.runs if name in run.losses]
    alone = sum(run.losses[name] < least for run in of_b if run.name not in partnered)
    values = [math.inf if no else each.multiplier or math.nan for no, each in zip(never, cells, strict=True)]
    # Of an even number the lower of the two in the middle, so that one finite value is not averaged with infinity.
    middle = float(np.sort(values)[(len(values) - 1) // 2]) if values else math.nan
    verdict = replace(
        answer.verdict,
        runs_of_b=len(of_b),
        runs_not_reached=alone + sum(cell.runs_b for cell, no in zip(cells, never, strict=True) if no),
        median=middle if answer.verdict.reachable and math.isfinite(middle) else None,
    )
    return replace(answer, verdict=verdict)
