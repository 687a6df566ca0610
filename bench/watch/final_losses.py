"""How well the end of a run is forecast from its beginning, by each method alone and by all together.

    python bench/watch/final_losses.py DATA [STUDY ...] [--other-text] > bench/watch/final_losses.md

DATA holds ladder_curves (OLMo ladder, 190M to 1B parameters), optimizer_runs (modded-nanogpt, seeds of one model) and
gemstones (22 shapes at one length and a constant rate). Each STUDY is a study of isoflop, whose runs have no
evaluations on the way: losses of training batches are held against each other, and the final loss is that of the
validation text.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from watch.known_ends import LADDER_SIZES, Outcome, all_others, finished_curves, outcomes, smaller

from isoflop.logs import LogOptions, read_logs
from isoflop.watch import METHODS, Curve, Method

Likes = Callable[[Curve, Sequence[Curve]], list[Curve]]
SHARES = (0.2, 0.3, 0.5, 0.7, 0.9)
OTHER_SETS = ("dolma_books", "dolma_stack", "pile", "wikitext_103", "ice")
TWELVE = ("1xC", "2xC", "5xC", "10xC")
LARGEST = 12
RECIPES = ("recipe-12", "recipe-10", "recipe-06", "recipe-15", "recipe-05", "recipe-17")
HEAD = """| forecast at | by | runs | mean error | largest | bias | interval holds | half-width, mean | ratio's weight |
|---|---|---|---|---|---|---|---|---|"""

GAIN = """\
The combination follows the ratio, which has about nine tenths of the weight. Laws of the schedule add a little early,
where the ratio still drifts, and nothing from half-way on; alone they err two to four times as much. They are what
answers where no smaller run has the schedule.
"""


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("studies", type=Path, nargs="*")
    parser.add_argument("--other-text", action="store_true", help="the other evaluation sets of the ladder too")
    asked = parser.parse_args()
    print("# Final losses forecast on the way\n\nMade by `python bench/watch/final_losses.py DATA`.\n")
    print(
        "Errors are of ln(final loss), in %; intervals are nominal 90 %. Each forecast sees the beginning of its run "
        "and the finished runs that the section names, no more: choices and widths come from those.\n"
    )
    ladder(asked.data)
    print(GAIN)
    seeds(asked.data)
    gemstones(asked.data)
    if asked.other_text:
        other_text(asked.data)
    for study in asked.studies:
        own(study)


def ladder(data: Path) -> None:
    """Sizes of one ladder."""
    runs = read_logs(data / "ladder_curves", LogOptions(params=LADDER_SIZES))
    print("## A ladder of sizes: loss on C4, from all smaller runs\n\n370M, 760M and 1B, each at 20 to 200 tokens per")
    print("parameter.\n")
    curves = finished_curves(runs)
    table(curves, smaller, METHODS, keep=lambda name: name.partition("-")[2] in TWELVE)


def other_text(data: Path) -> None:
    """The ladder on other evaluation sets."""
    runs = read_logs(data / "ladder_curves", LogOptions(params=LADDER_SIZES))
    print("## The same ladder on other text, all 18 larger runs, by all methods together\n")
    print("| loss on | forecast at | runs | mean error | largest | interval holds | half-width, mean |")
    print("|---|---|---|---|---|---|---|")
    for name in OTHER_SETS:
        other = finished_curves(runs, f"{name}-validation")
        for share in (0.2, 0.5):
            found = outcomes(other, share, methods=METHODS)
            print(f"| {name} | {share:.0%} | {figures(found, bias=False)} |", flush=True)
    print()


def seeds(data: Path) -> None:
    """One model, another seed."""
    runs = [run for run in read_logs(data / "optimizer_runs") if run.ended]
    print("## Seeds of one run: one left out, from up to eleven others\n\nSix recipes of 124M parameters.\n")
    print("| forecast at | runs | mean error | largest | interval holds | half-width, mean |")
    print("|---|---|---|---|---|---|")
    sides = [finished_curves([run for run in runs if run.settings["recipe"] == name][:12]) for name in RECIPES]
    for share in SHARES:
        found = [one for curves in sides for one in outcomes(curves, share, like=all_others, methods=METHODS)]
        print(f"| {share:.0%} | {figures(found, bias=False)} |", flush=True)
    print()


def gemstones(data: Path) -> None:
    """Shapes at one length, whose tokens per parameter differ."""
    curves = finished_curves(read_logs(data / "gemstones" / "wandb_df_for_fitting_hot_477.jsonl"))
    print("## Shapes of 50M to 2B parameters at 100B tokens and a constant rate, from all smaller runs\n")
    print("Their tokens per parameter differ: the course is that between runs on both sides of a length.\n")
    table(curves, smaller, METHODS)


def own(study: Path) -> None:
    """The runs of a study of our own, one left out."""
    curves = finished_curves(read_logs(study))
    print(f"## The study {study.name}: losses of single batches of training, final loss on validation text\n")
    largest = {run.name for run in sorted(curves, key=lambda run: run.params or 0.0)[-LARGEST:]}
    print(
        f"Its {LARGEST} largest runs, each left out in turn from all {len(curves)}; tried learning rates among them.\n"
    )
    table(curves, all_others, METHODS, keep=lambda name: name in largest, shares=(0.2, 0.5, 0.9))


def table(
    curves: Sequence[Curve],
    like: Likes,
    methods: Sequence[Method],
    keep: Callable[[str], bool] = lambda _: True,
    shares: Sequence[float] = SHARES,
) -> None:
    """One line for each method alone, and one for all together."""
    print(HEAD)
    for share in shares:
        sides: list[tuple[str, Sequence[Method]]] = [(method.name, [method]) for method in methods]
        sides += [("all together", methods)] if len(methods) > 1 else []
        for name, used in sides:
            began = time.process_time()
            found = outcomes(curves, share, like=like, methods=used, of=[run for run in curves if keep(run.name)])
            if not found:
                print(f"| {share:.0%} | {name} | 0 | | | | | | |")
                continue
            weight = f"{np.mean([one.ratio_weight for one in found]):.2f}" if len(used) > 1 else ""
            print(f"| {share:.0%} | {name} | {figures(found)} | {weight} |", flush=True)
            spent = (time.process_time() - began) / len(found)
            print(f"{share:.0%} {name}: {spent:.3f} s a forecast", file=sys.stderr)
    print()


def figures(found: Sequence[Outcome], *, bias: bool = True) -> str:
    """Runs, mean and largest error, bias, how often intervals hold, their mean half-width."""
    errors = 100 * np.array([one.error for one in found])
    held = sum(one.held for one in found)
    mean = f" {errors.mean():+.2f} % |" if bias else ""
    half = 100 * np.mean([one.half for one in found])
    return (
        f"{len(found)} | {np.abs(errors).mean():.3f} % | {np.abs(errors).max():.2f} % |{mean} "
        f"{held} of {len(found)} | {half:.2f} %"
    )


if __name__ == "__main__":
    main()
