"""The slope that language models usually have, for runs that show none of their own."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.gaps import Gaps
from isoflop.distributions import student_grid
from isoflop.units import format_number

AT_TWENTY, FALLS = 0.059, 0.27
"""-d ln L / d ln D at a fixed size is .059 (D / 20 N)^-.27: the weighted median line through the chords between
neighbouring final losses in four public sets of runs, 3e6 to 7e9 parameters (bench/compare/usual_slope.md). At 20
tokens a parameter, near where sizes and tokens are worth the same, it is also the slope in compute."""
AT_ANY_LENGTH = 0.044
"""The same where the tokens per parameter are not known: the median of all those chords."""
SPREAD, SPREAD_AT_ANY_LENGTH = 0.45, 0.6
"""Standard deviations of ln slope about these. Of the chords it is .38 and, from 5 tokens a parameter on, .49; the
published laws of language models leave the line by up to .7 at the largest and smallest sizes."""
WORDS = "the usual slope of language models"


def usual_conversion(gaps: Gaps, data: bool, draws: int) -> Conversion:
    """The conversion of the cells' gaps by the usual slope.

    With `data` along tokens at each cell's own tokens per parameter, or at any where those are not known;
    otherwise along the frontier. Its error is one for all cells.
    """
    known = [] if not data else [_tokens_per_param(gaps, k) for k in range(len(gaps.cells))]
    if not data:
        slope, spread = np.full(len(gaps.cells), AT_TWENTY), SPREAD
    elif all(ratio is not None for ratio in known):
        slope, spread = AT_TWENTY * (np.array(known, dtype=np.float64) / 20) ** -FALLS, SPREAD
    else:
        slope, spread = np.full(len(gaps.cells), AT_ANY_LENGTH), SPREAD_AT_ANY_LENGTH
    factor = np.exp(spread * np.random.default_rng(0).permutation(student_grid(draws, np.inf)))
    either = format_number(float(np.exp(1.645 * spread)), 2)
    return Conversion(
        floor=np.zeros(len(slope)),
        exponent=slope,
        floors=np.zeros((draws, len(slope))),
        exponents=factor[:, None] * slope,
        source=f"{WORDS}, {_range(slope)} per e-fold and a factor of {either} either way, not by these runs",
        usual=True,
    )


def _range(slope: Array) -> str:
    low, high = (format_number(float(end), 2) for end in (slope.min(), slope.max()))
    return low if low == high else f"{low} to {high}"


def _tokens_per_param(gaps: Gaps, k: int) -> float | None:
    """Of the middle between both sides, so that it is the same both ways round."""
    groups, runs = (gaps.cells[k].a, gaps.cells[k].b), (*gaps.cells[k].a.runs, *gaps.cells[k].b.runs)
    if any(run.params is None or run.tokens is None for run in runs):
        return None
    return float(np.exp(np.mean([(group.log_length or 0.0) - (group.log_params or 0.0) for group in groups])))
