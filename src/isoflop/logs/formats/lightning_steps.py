"""Steps as Lightning's Trainer counts them, in whichever tracker it logs to: the places of batches, from 0 on.

What it logs after ten steps, and the evaluation that follows them, stand at step 9 (lightning 2.6).
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from isoflop.errors import Notice
from isoflop.logs.formats.gathered import STEP, Gathered

_EPOCH = "epoch"


def steps_done(gathered: Gathered, column: str = STEP, *, certain: bool = False) -> list[Notice]:
    """Makes the steps in `column` those that were done, where they are places from 0 on; returns what to say of it.

    `certain`: they are Lightning's own. Otherwise the metric with the most lines tells: logged every tenth step its
    first is at 9, where a program that states its own step has it at 10 or 0.
    """
    steps = gathered.values.get(column, [])
    if not steps or not (certain or _from_zero(gathered, column)):
        return []
    gathered.values[column] = [step + 1 for step in steps]
    text = "Lightning counts steps from 0: each line of its log is taken as after one step more than it says"
    return [Notice(code="steps_from_zero", message=text)]


def _from_zero(gathered: Gathered, column: str) -> bool:
    at = dict(zip(gathered.rows[column], gathered.values[column], strict=True))
    metrics = [rows for name, rows in gathered.rows.items() if name not in (column, _EPOCH)]
    steps = [at[row] for row in max(metrics, key=len, default=[]) if row in at]
    gaps = Counter(after - before for before, after in pairwise(steps) if after > before)
    if not gaps:
        return False
    interval = gaps.most_common(1)[0][0]
    return steps[0] == 0 if interval == 1 else (steps[0] + 1) % interval == 0
