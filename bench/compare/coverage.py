"""How often the intervals of `isoflop compare` hold the truth, and how often a difference is found that is not there.

    python bench/compare/coverage.py > bench/compare/coverage.md

Two recipes with a law each (E 1.82, A 482, B 2085, alpha .348, beta .366 of A), a design of cells and seeds, and normal
noise of ln loss, .2 % a run unless said otherwise. The truth is the mean of ln m over the cells by the two laws; of an
answer by the law of A alone, which a test chooses where E or the exponents differ, the median over the runs at equal
tokens per parameter.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.compare.drawn_comparisons import CONDITIONS, Condition, outcome


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--only", default="", help="conditions whose name has this")
    asked = parser.parse_args()
    chosen = [condition for condition in CONDITIONS if asked.only in condition.name]
    print("# Coverage of the intervals of a comparison\n\n90 % intervals; `draws` comparisons a row.\n")
    columns = "true m | inside | half-width | called different | one m serves all | by A's own law"
    print(f"| recipes and runs | draws | {columns} |")
    print("|---|---|---|---|---|---|---|---|")
    started = time.process_time()
    for condition in chosen:
        print(row(condition, asked.draws), flush=True)
    each = 1e3 * (time.process_time() - started) / (asked.draws * len(chosen))
    print(f"\nMade by `python bench/compare/coverage.py`; {each:.0f} ms of processor time a comparison.")


def row(condition: Condition, draws: int) -> str:
    """One condition."""
    found = outcome(condition, draws)
    serves = "–" if math.isnan(found.constant) else f"{100 * found.constant:.0f} %"
    true = condition.own_truth() if found.by_own_law > 0.5 else condition.truth()
    return (
        f"| {condition.name} | {draws} | {math.exp(true):.3f} | {100 * found.inside:.1f} % | "
        f"{100 * math.expm1(found.half_width):.1f} % | {100 * found.different:.1f} % | {serves} | "
        f"{100 * found.by_own_law:.0f} % |"
    )


if __name__ == "__main__":
    main()
