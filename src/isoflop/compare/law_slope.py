"""The baseline's slope by a law that is at hand: a published one, or a fit of other runs of the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.options import LawSlope, StatedSlope
from isoflop.errors import InputError, RefusedError
from isoflop.fit import FitReport, ParametricFit
from isoflop.laws import ChinchillaLaw, published_law
from isoflop.laws.chinchilla import CONSTANTS


def read_slope(text: str) -> StatedSlope | LawSlope:
    """The slope that `text` states: a number, the path of a fit as `isoflop fit --out` writes it, or a published law.

    Raises InputError for anything else, and RefusedError where the fit has no law of losses.

    >>> read_slope("0.05").source
    'as stated'
    >>> read_slope("besiroglu2024").source
    "besiroglu2024's law at each cell"
    """
    try:
        return StatedSlope(per_log=float(text), source="as stated")
    except ValueError:
        pass
    if Path(text).exists():
        return _of_fit(Path(text))
    law = published_law(text)
    if not isinstance(law, ChinchillaLaw):
        raise InputError(f"slope: expected a law with E, A, B, alpha and beta, got {text}, which has other constants")
    return LawSlope(law=law, source=f"{text}'s law at each cell")


def _of_fit(path: Path) -> LawSlope:
    fit = FitReport.load(path).parametric
    if not isinstance(fit, ParametricFit):
        raise RefusedError("no_slope", f"{path}: the fit has no law of losses, so that it does not tell a slope")
    return LawSlope(law=fit.law, draws=fit.draws, source=f"the fit {path.name} at each cell")


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalSlopes:
    """-d ln L / d ln axis at each cell."""

    best: Array
    """(cells,)."""
    drawn: Array
    """(draws, cells)."""


def local_slopes(slope: LawSlope, N: Array, D: Array, data: bool, most: int) -> LocalSlopes:
    """The law's slopes at N parameters and D tokens, along tokens at that N or in the direction of its frontier.

    At most so many draws are used, evenly over those of the law; a law without draws gives one.
    """
    best = _per_log(slope.law, N, D, data)
    if slope.draws is None:
        return LocalSlopes(best=best, drawn=best[None])
    count = len(np.atleast_1d(slope.draws.E))
    chosen = np.linspace(0, count - 1, min(most, count)).astype(np.int64)
    some = slope.draws.draw(chosen)
    E, A, B, alpha, beta = (np.asarray(getattr(some, name))[:, None] for name in CONSTANTS)
    column = ChinchillaLaw(E=E, A=A, B=B, alpha=alpha, beta=beta)
    return LocalSlopes(best=best, drawn=_per_log(column, N, D, data))


def _per_log(law: ChinchillaLaw, N: Array, D: Array, data: bool) -> Array:
    by_size, by_tokens = law.slopes(N, D)
    along = by_tokens if data else law.a * by_size + law.b * by_tokens
    return np.asarray(-along / law.loss(N, D))
