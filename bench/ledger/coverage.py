"""How often the intervals of a ledger hold the truth: forecasts drawn from known distributions, alone and in studies.

    python bench/ledger/coverage.py > bench/ledger/coverage.md

Forecasts are right (their intervals hold at the nominal rate), too narrow, or lean to one side; of the error of a
study's forecasts a share is common. Held is the true probability of a hit, and the true mean deviation.
"""

from __future__ import annotations

import argparse
import math
from statistics import NormalDist

import numpy as np

from isoflop.ledger import Entry
from isoflop.ledger.hits import hits_of
from isoflop.ledger.lean import kind_summary

HALF = 0.03
"""Half-width of the stated intervals of 90 %, of logarithms."""
NORMAL = NormalDist()
Q = NORMAL.inv_cdf(0.95)
STUDIES = (5, 10, 20, 40)
CASES = {
    "one each": (1, 0.0, 1.0, 0.0),
    "four each, half of the error common": (4, 0.5, 1.0, 0.0),
    "four each, all of the error common": (4, 1.0, 1.0, 0.0),
    "four each, none of it common": (4, 0.0, 1.0, 0.0),
    "one each, intervals half as wide as they should be": (1, 0.0, 2.0, 0.0),
    "one each, outcomes one standard deviation above": (1, 0.0, 1.0, 1.0),
}
"""{case: (forecasts of a study, common share of the variance, standard deviation of z, mean of z)}."""


def drawn(studies: int, case: tuple[int, float, float, float], rng: np.random.Generator) -> list[Entry]:
    """The entries of one ledger."""
    each, common, width, lean = case
    shared = rng.standard_normal(studies)
    return [
        entry(str(study), float(z))
        for study in range(studies)
        for z in lean + width * (math.sqrt(common) * shared[study] + math.sqrt(1 - common) * rng.standard_normal(each))
    ]


def entry(study: str, z: float) -> Entry:
    """A forecast of a loss of 2 whose outcome lies z standard deviations above it."""
    return Entry(
        name="",
        source="sealed",
        quantity="loss",
        unit="",
        predicted=2.0,
        interval=(2 * math.exp(-HALF), 2 * math.exp(HALF)),
        level=0.9,
        made_from="",
        study=study,
        sealed=0.0,
        evidence="",
        stated_only=False,
        path="",
        actual=2 * math.exp(z * HALF / Q),
        scored=1.0,
    )


def true_share(level: float, case: tuple[int, float, float, float]) -> float:
    """The probability that an interval of this level holds."""
    _, _, width, lean = case
    end = NORMAL.inv_cdf((1 + level) / 2)
    return NORMAL.cdf((end - lean) / width) - NORMAL.cdf((-end - lean) / width)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledgers", type=int, default=500)
    count = parser.parse_args().ledgers
    print("# Intervals of a ledger\n")
    error = 100 * math.sqrt(0.09 / count)
    print(
        f"Made by `python bench/ledger/coverage.py > bench/ledger/coverage.md`: {count:,} drawn ledgers a line. How\n"
        "often the printed 90 % intervals hold the true probability of a hit, and the true mean deviation; `pooled`\n"
        "is the Wilson interval that takes each forecast for a trial of its own, which the ledger does not print. A\n"
        f"nominal 90 % has a standard error of {error:.1f} points here.\n"
    )
    print("| forecasts | studies | share at 50 % | at 80 % | at 90 % | at 90 %, pooled | mean deviation |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, case in CASES.items():
        for studies in STUDIES:
            rng = np.random.default_rng([len(name), studies])
            held = np.zeros(5)
            for _ in range(count):
                entries = drawn(studies, case, rng)
                found = [*hits_of(entries), hits_of([pooled(one, n) for n, one in enumerate(entries)])[-1]]
                truths = [true_share(level, case) for level in (0.5, 0.8, 0.9, 0.9)]
                held[:4] += [
                    one.interval is not None and one.interval[0] <= truth <= one.interval[1]
                    for one, truth in zip(found, truths, strict=True)
                ]
                mean = kind_summary("loss", entries).log_ratio
                low, high = (math.nan, math.nan) if mean is None or mean.interval is None else mean.interval
                held[4] += low <= case[3] * HALF / Q <= high
            shares = " | ".join(f"{100 * share:.1f} %" for share in held / count)
            print(f"| {name} | {studies} | {shares} |", flush=True)


def pooled(entry: Entry, number: int) -> Entry:
    """The same entry as the only one of a study."""
    return Entry(**{**vars(entry), "study": str(number)})


if __name__ == "__main__":
    main()
