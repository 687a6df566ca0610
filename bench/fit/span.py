"""Whether the error of form and the bias of forecasts of losses depend on how much compute the fitted rows span.

    cd bench/fit && python span.py [STUDY/fits/observations.csv ...] > span.md

Takes the public tables in `../shared/data` beside the repository, one reading of each experiment and no schedule known
to be mismatched; and the sweeps of studies, where their tables are given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from forecast_sets import data_sets

from isoflop.fit.error_scale import posterior_scale
from isoflop.fit.forecast.error_model import PUBLIC, bias_distance, forecast_distance
from isoflop.fit.forecast.rolling_origin import past_forecasts
from isoflop.observations import Observations, read_observations

EDGES = (0.0, 2.4, 3.5, 4.5, 6.0, np.inf)
TEXT = """`python span.py STUDY/fits/observations.csv ...`; two default studies were given.

`bias` is the weighted mean of the errors over `bias_distance`; `error of form` what is left for each factor e beyond
the noise of a forecast, by the likelihood of fit/error_scale.py without a prior, 0 where the noise explains all. Of
the tables that span most the bias is smallest, but these are other experiments too. Forecasts do not use the span:
with a bias and an error of form that grow with the fourth or the square root of 6 over ln of the span, errors at 5 to
12.5 times the compute changed by less than 5 %, and intervals were wider by a tenth to a quarter.
"""
_FLAT = 0.01  # past forecasts that the prior counts for: as good as none


def tables() -> Iterator[tuple[str, Observations]]:
    """(kind, runs) of every table."""
    for data in data_sets():
        if data.alone and data.schedule != "unmatched":
            yield "public", data.runs
    for path in sys.argv[1:]:
        runs = read_observations(path, params_convention="non_embedding", flops_convention="matmul", schedule="matched")
        yield "studies", runs


def main() -> None:
    """Print one line a kind and range of spans."""
    rows: list[tuple[str, float, float, float, float, float]] = []
    for kind, runs in tables():
        for past in past_forecasts(runs):
            mixed = sum(weight * past.errors[form] for form, weight in PUBLIC.weights.items())
            rows.append((kind, float(np.log(past.span)), mixed, past.variance, forecast_distance(past), past.share))
    print("# Errors of forecasts of losses, by the span of what was fitted\n")
    print(TEXT)
    print(
        "| tables | ln of largest over smallest compute fitted | past forecasts | bias | error of form |\n"
        "|---|---|---|---|---|"
    )
    for kind in ("public", "studies"):
        for low, high in pairwise(EDGES):
            chosen = [numbers for of, span, *numbers in rows if of == kind and low <= span < high]
            if chosen:
                errors, variances, distances, shares = np.array(chosen).T
                lever = bias_distance(distances)
                bias = float(np.sum(shares * lever * errors) / np.sum(shares * lever**2))
                left = errors - bias * lever
                scale, _ = posterior_scale(left, variances, distances, shares, prior=PUBLIC.error, count=_FLAT)
                shown = f"{scale:.2%}" if scale > PUBLIC.error / 5 else "0"
                reach = f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}"
                print(f"| {kind} | {reach} | {len(chosen)} | {bias:+.2%} | {shown} |")


if __name__ == "__main__":
    main()
