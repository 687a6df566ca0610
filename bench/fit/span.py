"""How the error of form grows with distance, by how much compute the fitted rows span (fit/forecast/error_model.py).

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

from isoflop.fit.forecast.error_model import PUBLIC
from isoflop.fit.forecast.rolling_origin import past_forecasts
from isoflop.observations import Observations, read_observations

EDGES = (0.0, 2.4, 3.5, 4.5, 6.0, np.inf)


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
    rows: list[tuple[str, float, float, float]] = []
    for kind, runs in tables():
        for past in past_forecasts(runs):
            mixed = sum(weight * past.errors[form] for form, weight in PUBLIC.weights.items())
            excess = max(mixed**2 - past.variance, 0.0) / max(np.log(past.factor), np.log(2.0)) ** 2
            rows.append((kind, float(np.log(past.span)), excess, past.share))
    print("# Error of form per e-fold of extrapolation, by the span of what was fitted\n")
    print("`python span.py`, with the sweeps of small studies where given.\n")
    print(
        "| tables | ln of largest over smallest compute fitted | past forecasts | root mean square |\n|---|---|---|---|"
    )
    for kind in ("public", "studies"):
        for low, high in pairwise(EDGES):
            chosen = [(excess, share) for of, span, excess, share in rows if of == kind and low <= span < high]
            if chosen:
                excess, share = np.array(chosen).T
                reach = f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}"
                print(f"| {kind} | {reach} | {len(chosen)} | {np.sqrt(np.average(excess, weights=share)):.2%} |")


if __name__ == "__main__":
    main()
