"""Intervals of answers from draws, and the notices of questions outside the data that the law was fitted to."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from isoflop.errors import InputError, Notice
from isoflop.fit.resampling import percentile_interval
from isoflop.laws import Law
from isoflop.units import format_flops, format_number, format_quantity

Interval = tuple[float, float]
"""(low, high)."""

LARGEST_VOCABULARY = 262_144
"""Tokens of the largest vocabulary in use, Gemma 3's: the bound where the vocabulary of a loss is not known."""

BEYOND_EVIDENCE = 100.0
"""Times outside of a law's runs from which on its answer should not be used.

The furthest of the forecasts that were held against what came lie 12.5 times beyond their rows for losses
(docs/forecasts.md) and 60 times for best sizes (docs/sizes.md). There the error of ln N had an rms of 0.44 to 0.47,
after 0.28 to 0.31 at 8 times and 0.17 at 2.6: 0.13 for each e-fold of compute, so about 0.6 at 100 times, a factor of
1.8. A hundred is the next round number beyond the evidence.
"""

# Points that stand for the normal distribution of single runs: its 5 % point comes out right to 1.5 %.
NOISE_POINTS = 199


def check_level(level: float) -> None:
    """Raises InputError unless `level` is a probability between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(f"level: expected a probability between 0 and 1, got {level!r}")


def loss_interval(draws: ArrayLike, level: float, scatter: float = 0.0) -> Interval:
    """Where the loss of one run lies with probability `level`: the draws' losses, each with the scatter of single runs.

    `scatter` is the standard deviation of ln loss around the law; every draw is spread over the normal's quantiles.

    >>> loss_interval([2.0, 2.0, 2.0], 0.9, 0.01)[1] / 2 > 1.015
    True
    """
    losses = np.asarray(draws, dtype=np.float64).ravel()
    if scatter > 0:
        noise = [NormalDist().inv_cdf((k + 0.5) / NOISE_POINTS) for k in range(NOISE_POINTS)]
        losses = np.multiply.outer(losses, np.exp(scatter * np.asarray(noise))).ravel()
    return percentile_interval(losses, level)


def guessing_notices(law: Law, loss: float | None, vocab_size: int | None = None) -> list[Notice]:
    """`loss_above_guessing` where `loss` is above ln of the vocabulary, the loss of uniform guessing.

    `vocab_size` None: of the largest vocabulary in use. Losses per byte are compared with the 256 bytes.
    """
    unit = law.provenance.loss_unit
    choices = 256 if unit.endswith("_per_byte") else vocab_size or LARGEST_VOCABULARY
    most = math.log2(choices) if unit.startswith("bits") else math.log(choices)
    if loss is None or loss <= most or unit.endswith("_per_character"):
        return []
    what = "bytes" if unit.endswith("_per_byte") else "tokens"
    message = (
        f"a loss of {format_number(loss, 4)} {unit.replace('_', ' ')} is above the {format_number(most, 4)} of a guess "
        f"among {choices:,} {what}: "
        "no law holds there, so neither size nor loss mean anything; give more compute, more text or a larger size"
    )
    return [Notice(code="loss_above_guessing", message=message)]


def domain_notices(law: Law, *, params: float, tokens: float, flops: float, has_draws: bool) -> list[Notice]:
    """`extrapolation` where a number leaves the law's domain, and `beyond_evidence` where it does by more than
    BEYOND_EVIDENCE; `caution`: the known flaw of its source; `no_loss`, `no_draws`: what the law does not give.
    """
    source = law.provenance
    notices, outside, furthest = [], [], 1.0
    for name, value in (("flops", flops), ("params", params), ("tokens", tokens)):
        low, high = source.domain.get(name, (value, value))
        if not low <= value <= high:
            factor, side = (value / high, "above the largest") if value > high else (low / value, "below the smallest")
            furthest = max(furthest, factor)
            written = format_flops(value) if name == "flops" else format_quantity(value)
            outside.append(f"{name} of {written} are {format_number(factor)} times {side}")
    if outside:
        runs = "the fitted runs" if source.name == "fitted" else f"the runs behind {source.name}"
        message = f"outside {runs}: {'; '.join(outside)}"
        notices.append(Notice(code="extrapolation", message=message))
    if furthest > BEYOND_EVIDENCE:
        message = (
            f"{format_number(furthest)} times outside {runs}: no forecast beyond {format_number(BEYOND_EVIDENCE)} "
            "times was ever held against what came, so nothing says how far this one is off"
        )
        notices.append(Notice(code="beyond_evidence", message=message))
    if source.caution:
        notices.append(Notice(code="caution", message=f"{source.name}: {source.caution}"))
    if not law.has_loss:
        message = f"law {source.name} says how N and D grow with compute, not what the loss is"
        notices.append(Notice(code="no_loss", message=message))
    if not has_draws:
        message = f"law {source.name} comes without draws of its constants: no intervals and no expected waste"
        notices.append(Notice(code="no_draws", message=message))
    return notices
