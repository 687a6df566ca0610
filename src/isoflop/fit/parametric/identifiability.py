"""What the data say about each quantity, after the fit: a verdict with its reason, not a footnote."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import Notice
from isoflop.fit.resampling import LEVEL, percentile_interval
from isoflop.fit.result import Correlation, OptimalSize, Verdict
from isoflop.laws import ChinchillaLaw, ComputeCost
from isoflop.observations import Observations
from isoflop.units import format_quantity

Array = NDArray[np.float64]

_BUDGETS_FOR_FLOOR = 4  # with fewer budgets E fits anywhere between 0 and the best loss
_LEAST_FLOOR = 0.02  # of the least loss: an E below it is 0 for every purpose
# Width of the 90 % interval, over the value, above which a constant is not known; for A and B in factors, as they trade
# with their exponents.
_WIDEST = {"E": 0.5, "alpha": 0.8, "beta": 0.8}
_WIDEST_FACTOR = 30.0
_WIDEST_EXPONENT = 0.35
# A model twice or half its best size wastes 15 % of its compute: (alpha + beta) / 2 ln(2)^2 at exponents near .33.
_WIDEST_SIZE = 4.0
_BEYOND = (1.0, 10.0)  # times the largest compute of the data, where N_opt is judged
_STRONG = 0.9


def verdicts(
    data: Observations,
    law: ChinchillaLaw,
    draws: ChinchillaLaw,
    sizes: tuple[OptimalSize, ...],
    budgets: int | None,
) -> dict[str, Verdict]:
    """{E, A, B, alpha, beta, a, params_opt: verdict} from the spread over resamples, `optimal_sizes` and the design.

    Known is what has a 90 % interval narrower than a share of its value (E .5, alpha and beta .8 of it; A and B a
    factor 30; a .35; N_opt at the data's largest compute and at 10 times it a factor 4, twice and half). E must also
    stay away from 0, and four isoFLOP budgets must support it where the runs are laid out in `budgets`, else None.
    """
    found = {name: _narrow(getattr(law, name), getattr(draws, name), share) for name, share in _WIDEST.items()}
    found["E"] = _floor(data, law, found["E"], budgets)
    found |= {name: _within_factor(getattr(draws, name), _WIDEST_FACTOR) for name in ("A", "B")}
    low, high = percentile_interval(draws.a, LEVEL)
    found["a"] = Verdict(
        known=high - low < _WIDEST_EXPONENT,
        reason=f"{low:.3f} to {high:.3f}, limit {_WIDEST_EXPONENT:g} wide",
    )
    said = "; ".join(
        f"{format_quantity(size.interval[0], 3)} to {format_quantity(size.interval[1], 3)} "
        f"at {size.over_largest:g} times the largest compute"
        for size in sizes
    )
    found["params_opt"] = Verdict(
        known=all(size.identified for size in sizes), reason=f"{said}, limit a factor {_WIDEST_SIZE:g}"
    )
    return found


def optimal_sizes(
    data: Observations, law: ChinchillaLaw, draws: ChinchillaLaw, cost: ComputeCost
) -> tuple[OptimalSize, ...]:
    """N_opt at the data's largest compute and at 10 times it, identified where its interval spans less than 4."""
    sizes = []
    for factor in _BEYOND:
        flops = factor * float(data.C.max())
        low, high = percentile_interval(draws.optimum(flops, cost)[0], LEVEL)
        sizes.append(
            OptimalSize(
                flops=flops,
                over_largest=factor,
                params=float(law.optimum(flops, cost)[0]),
                interval=(low, high),
                identified=bool(high < _WIDEST_SIZE * low),
            )
        )
    return tuple(sizes)


def not_identified(found: dict[str, Verdict]) -> list[Notice]:
    """Warnings for what is not known: one for E, one for all else."""
    warnings = []
    if not found["E"].known:
        warnings.append(Notice(code="floor_not_identified", message=f"E is not identified: {found['E'].reason}"))
    unknown = [f"{name} ({verdict.reason})" for name, verdict in found.items() if not verdict.known and name != "E"]
    if unknown:
        text = f"not identified by these runs, 90 % intervals: {'; '.join(unknown)}"
        warnings.append(Notice(code="not_identified", message=text))
    return warnings


def strong_correlations(draws: ChinchillaLaw) -> tuple[Correlation, ...]:
    """Pairs of constants that the draws move together by more than .9, A and B as logarithms."""
    columns = {
        "E": draws.E, "A": np.log(np.asarray(draws.A)), "B": np.log(np.asarray(draws.B)),
        "alpha": draws.alpha, "beta": draws.beta,
    }  # fmt: skip
    names, rows = list(columns), np.stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
    if np.any(rows.std(axis=1) < 1e-12):
        return ()
    table = np.atleast_2d(np.corrcoef(rows))
    return tuple(
        Correlation(pair=(names[i], names[j]), correlation=float(table[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(table[i, j]) > _STRONG
    )


def _narrow(value: ArrayLike, draws: ArrayLike, widest: float) -> Verdict:
    low, high = percentile_interval(draws, LEVEL)
    return Verdict(
        known=bool(low > 0 and high - low < widest * float(np.asarray(value))),
        reason=f"{low:.3g} to {high:.3g}, limit {widest:g} of its value wide",
    )


def _within_factor(draws: ArrayLike, widest: float) -> Verdict:
    low, high = percentile_interval(draws, LEVEL)
    return Verdict(known=bool(high < widest * low), reason=f"{low:.3g} to {high:.3g}, limit a factor {widest:g}")


def _floor(data: Observations, law: ChinchillaLaw, narrow: Verdict, budgets: int | None) -> Verdict:
    if float(law.E) < _LEAST_FLOOR * float(data.loss.min()):
        return Verdict(known=False, reason="E runs to 0")
    if budgets is not None and budgets < _BUDGETS_FOR_FLOOR:
        text = f"{budgets} isoFLOP budgets; at least {_BUDGETS_FOR_FLOOR} are needed to tell E from the falling terms"
        return Verdict(known=False, reason=text)
    return narrow
