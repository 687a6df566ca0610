"""Learning rates that fall along a run to its last row: the rows before it are checkpoints of one schedule.

At a rate that is still high, their losses are above those of runs that end at as many tokens. A law of finished runs
therefore uses only the last row of each run.
"""

from __future__ import annotations

import re

import numpy as np

from isoflop.arrays import Array, Labels, Mask
from isoflop.errors import Notice
from isoflop.observations.columns import candidates
from isoflop.observations.exclusions import last_of_groups, numbered
from isoflop.observations.options import ReadOptions
from isoflop.observations.parsing import Words, labels_of, read_numbers
from isoflop.observations.values import NDC, Values
from isoflop.units import format_number

_RATE = re.compile(r"(^|[^a-z])(lr|learning_?rate)([^a-z]|$)", re.IGNORECASE)
_NO_RATE = re.compile(r"sched|mult|scale|ratio|decay|warm", re.IGNORECASE)
_LOW = 0.9  # share of the highest rate: a run that ends above it was hardly decayed
_RISE = 0.01  # share of the highest rate: rounding in logs makes a flat rate rise by less
_MOST = 0.5  # share of the runs with several rows whose rates fall, from which rows are checkpoints
# Rows of one size, or of an id that each size has one of, may also be runs of several lengths whose rates were tuned,
# which fall as a power of the tokens. Checkpoints lie at even distances, or under a rate that falls ever faster.
_FEWEST_EVEN, _EVEN = 6, 0.05
_FEWEST_STEEPER, _STEEPER, _STRICT = 5, 3.0, 0.8
_NO_RATE_LEFT = 1e-3  # share of the highest rate, at which logarithms of rates that end at 0 are clipped


def find_falling(values: Values, run: Words, ndc: NDC, keep: Mask, options: ReadOptions) -> tuple[Mask, list[Notice]]:
    """(True for rows before the end of a schedule that the table shows, notices).

    Runs are the named ones, or the rows of one size where none are named. A schedule that was stated decides; a notice
    reports rates that contradict it.
    """
    early = np.zeros(values.rows, dtype=bool)
    named = bool((run != "").any())
    group = numbered(run) if named else labels_of(ndc.N)
    progress = values.number("step") if "step" in values.numbers else ndc.D
    keep = keep & np.isfinite(progress) & (run != "" if named else np.isfinite(ndc.N))
    if not keep.any() or np.bincount(group[keep]).max() < 2:
        return early, []
    ambiguous = not named or _one_name_a_size(group[keep], ndc.N[keep])
    for column in _rate_columns(values):
        rate = read_numbers(values.table.columns[column], field="peak_lr").values
        known = keep & (rate >= 0)
        falling, several = falling_groups(group[known], progress[known], rate[known], ambiguous=ambiguous)
        if not len(falling) or len(falling) < _MOST * several:
            continue
        inside = keep & np.isin(group, falling)
        early = inside & ~last_of_groups(group, np.where(inside, progress, np.nan))
        if not early.any():
            return early, []
        what = "runs" if named else "sizes"
        rates = rate[known & (group == falling[0])]
        text = (
            f"the learning rate ({column}) falls along {len(falling)} of {several} {what} to their last rows "
            f"({format_number(rates.max())} to {format_number(rates.min())} in the first): their rows are checkpoints "
            "of one schedule a run, and losses before its end lie above those of runs that end there; "
        )
        if options.schedule in ("matched", "constant"):
            text += f"--schedule {options.schedule} was stated, so all are used"
            return np.zeros_like(early), [_notice(text)]
        text += (
            f"only the last row of each is used, {int(early.sum())} are checkpoints; --schedule matched uses all, if "
            "each ended a schedule of its own"
        )
        return early, [_notice(text)]
    return early, []


def falling_groups(group: Labels, progress: Array, rate: Array, *, ambiguous: bool) -> tuple[Labels, int]:
    """(groups whose rate never rises after its maximum and ends well below it, number of groups of several rows)."""
    if not len(group):
        return np.zeros(0, dtype=np.int64), 0
    order = np.lexsort((progress, group))
    g, p, r = group[order], progress[order], rate[order]
    starts = np.flatnonzero(np.diff(g, prepend=g[0] - 1))
    counts = np.diff(np.append(starts, len(g)))
    ends = starts + counts - 1
    of_row = np.repeat(np.arange(len(starts)), counts)
    top = np.maximum.reduceat(r, starts)
    at_top = np.where(r >= top[of_row] * (1 - _RISE), np.arange(len(g)), -1)
    peak = np.maximum.reduceat(at_top, starts)
    step = np.diff(r, append=r[-1])
    after = (np.arange(len(g)) >= peak[of_row]) & (np.arange(len(g)) < ends[of_row])
    rises = np.bincount(of_row, after & (step > _RISE * top[of_row]), len(starts)) > 0
    several = counts > 1
    falls = several & ~rises & (r[ends] <= _LOW * top) & (top > 0)
    if ambiguous:
        surely = [
            i
            for i in np.flatnonzero(falls).tolist()
            if _of_one_run(p[starts[i] : ends[i] + 1], r[starts[i] : ends[i] + 1])
        ]
        falls = np.zeros(len(starts), dtype=bool)
        falls[surely] = True
    return g[starts[falls]], int(several.sum())


def _of_one_run(progress: Array, rate: Array) -> bool:
    """Whether rows are checkpoints of one run rather than runs of several lengths, by their distances or the decay."""
    gaps = np.diff(progress)
    if len(progress) >= _FEWEST_EVEN and gaps.min() > 0 and np.std(gaps[:-1]) <= _EVEN * np.mean(gaps[:-1]):
        return True
    first = int(np.argmax(rate))
    p, r = progress[first:], np.maximum(rate[first:], _NO_RATE_LEFT * rate.max())
    if len(p) < _FEWEST_STEEPER or p[0] <= 0 or gaps.min() <= 0 or np.mean(np.diff(r) < 0) < _STRICT:
        return False
    middle = len(p) // 2
    early = np.log(r[0] / r[middle]) / np.log(p[middle] / p[0])
    late = np.log(r[middle] / r[-1]) / np.log(p[-1] / p[middle])
    return bool(late >= _STEEPER * early)


def _one_name_a_size(group: Labels, N: Array) -> bool:
    """Whether each size has only one name: names may then be of models that were each trained several times."""
    size = labels_of(N)
    return len(np.unique(group)) <= len(np.unique(size))


def _rate_columns(values: Values) -> list[str]:
    """Columns that may log a learning rate, those with the plainest names first."""
    named = [item.column for item in candidates(values.table.columns).get("peak_lr", [])]
    others = [name for name in values.table.columns if _RATE.search(name) and not _NO_RATE.search(name)]
    return list(dict.fromkeys([*named, *others]))


def _notice(text: str) -> Notice:
    return Notice(code="checkpoints_of_schedule", message=text)
