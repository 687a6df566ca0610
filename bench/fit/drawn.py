"""Tables made from known laws, however written: python bench/fit/drawn.py [TABLES]. Output: bench/fit/drawn.md.

The strategy is that of tests/fit/drawn_tables.py; the tests draw 200, this draws 2,000.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from hypothesis import HealthCheck, Phase, given, settings

from tests.fit.drawn_tables import Outcome, outcome_of, tables

_SHOWN = 12


def outcomes(count: int) -> list[tuple[Outcome, tuple[str, ...]]]:
    """What became of `count` tables, and what they were made of."""
    found: list[tuple[Outcome, tuple[str, ...]]] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(tables())
    def one(table) -> None:
        with tempfile.TemporaryDirectory() as folder:
            found.append((outcome_of(table, Path(folder)), table.made_of))

    one()
    return found


def share(values: list[bool]) -> str:
    return f"{sum(values):,} of {len(values):,} ({sum(values) / max(1, len(values)):.3f})"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    start = time.perf_counter()
    found = outcomes(count)
    right = [outcome for outcome, _ in found if outcome.kind == "right"]
    both = [outcome.inside_isoflop for outcome in right if outcome.inside_isoflop is not None]
    kinds = Counter(outcome.kind for outcome, _ in found)
    print(f"# {len(found):,} drawn tables of known laws\n\n`python bench/fit/drawn.py {count}`; one process.\n")
    print("| | tables |\n|---|---|")
    for kind in ("right", "refused", "wrong"):
        print(f"| {kind} | {kinds[kind]:,} |")
    print(f"| a of approach 3 in its 90 % interval | {share([outcome.inside for outcome in right])} |")
    print(f"| a of approach 2 in its 90 % interval, tables of budgets | {share(both)} |")
    print(f"| farthest a of approach 3, in standard errors | {max(outcome.errors for outcome in right):.2f} |")
    print(f"\n{time.perf_counter() - start:.0f} s. Right: every row that did not fail is used, its N, D and loss are")
    print("those that the table was made from to .2 %, and a lies within five standard errors.")
    for kind in ("refused", "wrong"):
        told = Counter(_kind(outcome.message) for outcome, _ in found if outcome.kind == kind)
        for message, times in told.most_common(_SHOWN):
            print(f"\n- {kind}, {times:,} tables: {message}")


def _kind(message: str) -> str:
    """The first line of a message without its names and numbers, by which messages of one kind are counted."""
    line = message.splitlines()[0]
    return re.sub(r"^[^:]*: \S+ may be \S+ or \S+,", "a cell may be two numbers,", line)[:200]


if __name__ == "__main__":
    main()
