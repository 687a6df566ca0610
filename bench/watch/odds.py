"""How often runs ended inside the interval of a forecast, by the odds that were stated on the way.

    python bench/watch/odds.py DATA > bench/watch/odds.md

The runs are those of bench/watch/final_losses.py, forecast on the way from the finished ones; their forecasts are made
up: off by a normal error of .3, 1 or 3 %, with the 90 % interval that such an error has, many times for each run.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from watch.known_ends import LADDER_SIZES, all_others, finished_curves, smaller

from isoflop.distributions import student_upper
from isoflop.logs import LogOptions, read_logs
from isoflop.watch import METHODS, Curve
from isoflop.watch.combination import Combined
from isoflop.watch.final_loss import forecast_end
from isoflop.watch.odds import inside_probability

LEVEL, NORMAL_90 = 0.9, 1.6448536
ERRORS = (0.003, 0.01, 0.03)
DRAWS = 200
BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)
RECIPES = ("recipe-12", "recipe-10", "recipe-06", "recipe-15")


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    print("# Odds of ending inside a forecast\n\nMade by `python bench/watch/odds.py DATA`.\n")
    print(f"{DRAWS} made-up forecasts of each run, a third each off by .3, 1 and 3 % (normal); 90 % intervals.\n")
    for share in (0.2, 0.5):
        ladder = list(seen(finished_curves(read_logs(data / "ladder_curves", LogOptions(params=LADDER_SIZES))), share))
        seeds = [one for name in RECIPES for one in seen(of_recipe(data, name), share, by_size=False)]
        for what, found in (("ladder of sizes", ladder), ("seeds of one run", seeds)):
            print(f"## {what}, {share:.0%} of the way, {len(found)} runs\n")
            table(found)


def of_recipe(data: Path, name: str) -> list[Curve]:
    runs = [run for run in read_logs(data / "optimizer_runs") if run.ended and run.settings["recipe"] == name]
    return finished_curves(runs[:12])


def seen(curves: Sequence[Curve], share: float, *, by_size: bool = True) -> Iterator[tuple[Combined, float]]:
    """(what was forecast at `share`, ln of the final loss) of each run."""
    for run in curves:
        found = forecast_end(run.until(share), (smaller if by_size else all_others)(run, curves), METHODS, LEVEL)
        if found is not None and run.final is not None:
            yield found, math.log(run.final)


def table(found: Sequence[tuple[Combined, float]]) -> None:
    """A line for each range of stated odds: how many, their mean, and how often they came true."""
    drawn = np.random.default_rng(0)
    stated: list[tuple[float, float, bool]] = []
    for combined, end in found:
        for error in np.resize(ERRORS, DRAWS):
            centre = end + error * drawn.standard_normal()
            low, high = centre - NORMAL_90 * error, centre + NORMAL_90 * error
            odds = inside_probability(combined, (math.exp(low), math.exp(high)), LEVEL)
            stated.append((odds, alone(combined, low, high), low <= end <= high))
    values = np.array(stated, dtype=np.float64)
    print("| stated | forecasts | mean stated | came true | stated without the forecast | came true |")
    print("|---|---|---|---|---|---|")
    for low, high in pairwise(BINS):
        cells = [f"| {low:.2f} to {high:.2f} |"]
        for column in (0, 1):
            part = values[(values[:, column] >= low) & ((values[:, column] < high) | (high == 1.0))]
            count = f" {len(part)} |" if column == 0 else ""
            numbers = f" {part[:, column].mean():.2f} | {part[:, 2].mean():.2f} |" if len(part) else " | |"
            cells.append(count + numbers)
        print("".join(cells))
    brier = [float(np.mean((values[:, column] - values[:, 2]) ** 2)) for column in (0, 1)]
    print(f"\nMean squared error of the odds: {brier[0]:.3f}; without the forecast {brier[1]:.3f}.\n", flush=True)


def alone(combined: Combined, low: float, high: float) -> float:
    """The odds by what is seen of the run, as if there were no forecast."""
    below, above = ((end - math.log(combined.predicted_final)) / combined.sd for end in (low, high))
    return student_upper(below, combined.degrees) - student_upper(above, combined.degrees)


if __name__ == "__main__":
    main()
