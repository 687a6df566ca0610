"""Which quantities the data identify, with the numbers behind each verdict; and whether a few rows decide the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.fit.resampling import LEVEL, percentile_interval
from isoflop.fit.result import Correlation, OptimalSize, Verdict
from isoflop.fit.significance import ALARM_LEVEL, student_p
from isoflop.laws import ChinchillaLaw, ComputeCost
from isoflop.units import format_number, format_quantity

if TYPE_CHECKING:
    from isoflop.observations import Observations

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
_SHARE = 0.02  # of the rows: five of the 245 of Hoffmann et al.'s Figure 4 move a by .04
_FEWEST_LEFT = 7
_LEAST_DIFFERENCE = 0.01  # of a: worth 2 % of N at ten times the compute
_NORMAL_90 = 1.645
_LEVEL = ALARM_LEVEL / 4  # of each of the two ends; half of its share, as noise may be larger at the ends
_NEXT_ROWS, _NEXT_SHARE = (
    8,
    0.25,
)  # rows next to those left out, which show the noise there: the smallest runs have most


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
    judged = {name: _narrow(getattr(law, name), getattr(draws, name), share) for name, share in _WIDEST.items()}
    judged["E"] = _floor(data, law, judged["E"], budgets)
    judged |= {name: _within_factor(getattr(draws, name), _WIDEST_FACTOR) for name in ("A", "B")}
    low, high = percentile_interval(draws.a, LEVEL)
    judged["a"] = Verdict(
        known=high - low < _WIDEST_EXPONENT,
        reason=f"{low:.3f} to {high:.3f}, limit {format_number(_WIDEST_EXPONENT)} wide",
    )
    sizes_in_words = "; ".join(
        f"{format_quantity(size.interval[0], 3)} to {format_quantity(size.interval[1], 3)} "
        f"at {format_number(size.over_largest, 6)} times the largest compute"
        for size in sizes
    )
    judged["params_opt"] = Verdict(
        known=all(size.identified for size in sizes),
        reason=f"{sizes_in_words}, limit a factor {format_number(_WIDEST_SIZE)}",
    )
    return judged


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


def not_identified(by_quantity: dict[str, Verdict]) -> list[Notice]:
    """Warnings for the quantities that are not identified: one for E, one for all others."""
    warnings = []
    floor = by_quantity["E"]
    if not floor.known:
        warnings.append(Notice(code="floor_not_identified", message=f"E is not identified: {floor.reason}"))
    others = [f"{name} ({one.reason})" for name, one in by_quantity.items() if not one.known and name != "E"]
    if others:
        text = f"not identified by these runs, 90 % intervals: {'; '.join(others)}"
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
        reason=f"{format_number(low)} to {format_number(high)}, limit {format_number(widest, 6)} of its value wide",
    )


def _within_factor(draws: ArrayLike, widest: float) -> Verdict:
    low, high = percentile_interval(draws, LEVEL)
    return Verdict(
        known=bool(high < widest * low),
        reason=f"{format_number(low)} to {format_number(high)}, limit a factor {format_number(widest, 6)}",
    )


def _floor(data: Observations, law: ChinchillaLaw, narrow: Verdict, budgets: int | None) -> Verdict:
    if float(law.E) < _LEAST_FLOOR * float(data.loss.min()):
        return Verdict(known=False, reason="E runs to 0")
    if budgets is not None and budgets < _BUDGETS_FOR_FLOOR:
        text = f"{budgets} isoFLOP budgets; at least {_BUDGETS_FOR_FLOOR} are needed to tell E from the falling terms"
        return Verdict(known=False, reason=text)
    return narrow


def influence_notices(
    objective: HuberObjective, data: Observations, theta: Array, interval: tuple[float, float] | None
) -> list[Notice]:
    """`few_rows_decide` where the 2 % of rows with the fewest or most tokens per parameter decide the exponent a.

    They decide a = beta / (alpha + beta) where the fit without them differs by more than a quarter of the width of its
    `interval`, by more than .01, and by more than chance makes of rows so far out. Refitted from `theta` (5,), the
    optimum of all rows. Case deletion: Cook 1977.
    """
    count = max(1, round(_SHARE * len(data)))
    if interval is None or len(data) - count < _FEWEST_LEFT:
        return []
    ratio = data.D / data.N
    order = np.argsort(ratio)
    weights = np.ones((2, len(data)))
    weights[0, order[:count]] = 0
    weights[1, order[-count:]] = 0
    ends = minimise(objective, np.stack([theta, theta]), weights)
    without = ends.theta[:, 4] / (ends.theta[:, 3] + ends.theta[:, 4])
    whole = float(theta[4] / (theta[3] + theta[4]))
    edges = ratio[order[count - 1]], ratio[order[-count]]
    width = interval[1] - interval[0]
    chance = width / (2 * _NORMAL_90) * _difference_by_chance(objective, theta, weights)
    size = np.abs(objective.residuals(theta))[order]
    nearby = count + max(_NEXT_ROWS, int(_NEXT_SHARE * len(data)))
    local = np.array([np.mean(part**2) for part in (size[count:nearby], size[-nearby:-count])])
    chance *= np.sqrt(np.maximum(local / max(float(np.mean(size[count:-count] ** 2)), 1e-300), 1.0))
    free = len(data) - count - len(theta)
    return [
        Notice(
            code="few_rows_decide",
            message=f"without the {count} rows with the {name} tokens per parameter ({format_quantity(float(edge))} at "
            f"the edge) beta / (alpha + beta) = {value:.3f} instead of {whole:.3f}",
        )
        for name, value, edge, sd in zip(("fewest", "most"), without, edges, chance.tolist(), strict=True)
        if abs(value - whole) > max(width / 4, _LEAST_DIFFERENCE)
        and student_p((value - whole) / max(sd, 1e-12), free) < _LEVEL
    ]


def _difference_by_chance(objective: HuberObjective, theta: Array, weights: Array) -> Array:
    """Standard deviation of the difference that leaving rows out makes to a, over that of a, for each of `weights`.

    The variance of the difference of an estimate and a better one is that of their variances (Hausman 1978), which by
    least squares about the optimum follow from the design.
    """
    e, u, v, alpha, beta = theta
    parts = np.stack([np.full_like(objective.x, e), u - alpha * objective.x, v - beta * objective.y])
    share = np.exp(parts - parts.max(axis=0))
    share /= share.sum(axis=0)
    slopes = np.stack([*share, -objective.x * share[1], -objective.y * share[2]], axis=1)
    along = np.array([0.0, 0.0, 0.0, -beta, alpha])  # of a, but for a factor

    def variance(weight: Array) -> float:
        return float(along @ np.linalg.pinv(slopes.T @ (weight[:, None] * slopes), hermitian=True) @ along)

    whole = variance(np.ones(len(objective.x)))
    return np.sqrt(np.maximum([variance(weight) / whole - 1 for weight in weights], 0.0))
