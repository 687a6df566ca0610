"""What `isoflop compare` answers on runs that others published.

    python bench/compare/public.py DATA > bench/compare/public.md

DATA holds optimizer_runs/runs.jsonl (modded-nanogpt, one model under many optimisers, several seeds each) and
overtraining/models_104.csv (Gadre et al. 2024, three data sets, sizes and token counts).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import tests.compare.test_public_runs as public
from isoflop.compare import CompareOptions, compare_runs, noise_floor


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--splits", type=int, default=200)
    asked = parser.parse_args()
    public.OPTIMIZERS = asked.data / "optimizer_runs" / "runs.jsonl"
    public.OVERTRAINING = asked.data / "overtraining" / "models_104.csv"
    print("# Comparisons of published runs\n\nMade by `python bench/compare/public.py DATA`.\n")
    halves(asked.splits)
    verdicts()
    data_sets()


def halves(splits: int) -> None:
    """Every recipe of eight runs or more against itself."""
    rng = np.random.default_rng(0)
    print(f"## Halves of one recipe\n\n{splits} splits of each recipe of eight runs or more, at a nominal 10 %.\n")
    print("| recipe | runs | called different |\n|---|---|---|")
    everything = []
    for name, side in public.optimizer_sides().items():
        if len(side.runs) < 8:
            continue
        called = []
        for _ in range(splits):
            order = rng.permutation(len(side.runs))
            ends = public.part(side, order[: len(order) // 2]), public.part(side, order[len(order) // 2 :])
            called.append(compare_runs(*ends, public.BY_STEPS).sets[0].verdict in ("better", "worse"))
        everything += called
        print(f"| {name} | {len(side.runs)} | {100 * np.mean(called):.1f} % |")
    print(f"| all | | {100 * np.mean(everything):.1f} % |\n")


def verdicts() -> None:
    """Two verdicts of the benchmark."""
    sides = tuple(public.optimizer_sides().values())
    floor = noise_floor(sides)
    options = CompareOptions(axis="data", slope=public.SLOPE, noise_from=sides)
    print(f"## Verdicts of the benchmark\n\nNoise floor {floor.sd:.5f} nats over {floor.runs} runs.\n")
    print("| recipe | against | multiplier of tokens | 90 % | P(m > 1) | verdict | benchmark |")
    print("|---|---|---|---|---|---|---|")
    for b, a, theirs in (("12", "06", "different"), ("13", "11", "not different")):
        found = compare_runs(public.of_recipe(a), public.of_recipe(b), options).sets[0]
        assert found.interval is not None
        low, high = found.interval
        print(
            f"| {b} | {a} | {found.multiplier:.4f} | {low:.4f} to {high:.4f} | {found.probability_above_1:.4f} | "
            f"{found.verdict} | {theirs} |"
        )


def data_sets() -> None:
    """Two data sets against C4 on three evaluation sets."""
    print("\n## One data set against another at equal compute\n")
    print("N without embeddings; runs of 10 to 640 tokens a parameter.\n")
    print("| data | evaluation set | multiplier | 90 % | a decade of compute | cells out of reach | slope by |")
    print("|---|---|---|---|---|---|---|")
    for data in ("rpj", "rw_original"):
        for name, found in public.sets_against_c4(data).items():
            never = sum(cell.multiplier is None for cell in found.cells)
            value = "out of reach" if found.multiplier is None else f"{found.multiplier:.2f}"
            between = "–" if found.interval is None else f"{found.interval[0]:.2f} to {found.interval[1]:.2f}"
            decade = "–" if found.slope is None else f"x{10**found.slope:.2f}"
            source = "" if found.slope_used is None else found.slope_used.source
            print(f"| {data} | {name} | {value} | {between} | {decade} | {never} of {len(found.cells)} | {source} |")


if __name__ == "__main__":
    main()
