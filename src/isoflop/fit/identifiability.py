"""What the data say about each constant, after the fit: a verdict, not a footnote."""

from __future__ import annotations

import numpy as np

from isoflop.fit.checks import count_budgets
from isoflop.fit.resample import percentile_interval
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

_BUDGETS_FOR_FLOOR = 4  # with fewer budgets E fits anywhere between 0 and the best loss
# Width of the 90 % interval, over the value, above which a constant is not known; for A and B in factors.
_WIDEST = {"E": 0.5, "alpha": 0.8, "beta": 0.8}
_WIDEST_FACTOR = 30.0
_WIDEST_EXPONENT = 0.35


def identified(data: Observations, law: ChinchillaLaw, draws: ChinchillaLaw) -> tuple[dict[str, bool], str]:
    """({constant or `a`: known}, why E is not, or ""): from the spread over resamples and the design.

    A constant is known when its 90 % interval is narrower than a share of its value (E .5, alpha and beta .8 of it; A
    and B a factor 30, as they trade with their exponents; a .35) and E also stays away from 0.
    """
    verdict = {}
    for name, widest in _WIDEST.items():
        low, high = percentile_interval(getattr(draws, name), 0.9)
        value = float(getattr(law, name))
        verdict[name] = bool(value > 0 and (high - low) < widest * value and low > 0)
    for name in ("A", "B"):
        low, high = percentile_interval(np.log(np.asarray(getattr(draws, name))), 0.9)
        verdict[name] = bool(high - low < np.log(_WIDEST_FACTOR))
    low, high = percentile_interval(draws.a, 0.9)
    verdict["a"] = bool(high - low < _WIDEST_EXPONENT)
    reason = ""
    if float(law.E) < 0.02 * data.loss.min():
        verdict["E"], reason = False, "E runs to 0"
    elif not verdict["E"]:
        low, high = percentile_interval(draws.E, 0.9)
        reason = f"resamples put E between {low:.3g} and {high:.3g}"
    budgets = count_budgets(data)
    if budgets is not None and budgets < _BUDGETS_FOR_FLOOR:
        verdict["E"] = False
        reason = f"{budgets} isoFLOP budgets; at least {_BUDGETS_FOR_FLOOR} are needed to tell E from the falling terms"
    return verdict, reason
