"""Simple changes of the recipe decided by pairs of runs, on the default text, each within minutes.

    python bench/compare/decisions.py OUT [--seeds 3] [--minutes 5] [--only muon] > bench/compare/decisions.md

Each row is `isoflop compare A.toml B.toml --minutes M --seed S`, three times with other seeds; in the last row a recipe
is held against itself with other seeds on side B. Everything is kept in OUT: the same command goes on where it stopped,
and --so-far prints what has ended and trains nothing. Seven rows of three times five minutes at the most on two cores.
With --no-clock the minutes size the runs and end nothing, for a machine that does other work; the minutes of the table
are processor time over two cores in any case.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.study import training_stages
from isoflop.study.machine import MeasuredMachine
from isoflop.study.pairs.run import PairsOutcome
from isoflop.study.pairs.start import PairsRequest, compare_recipes
from isoflop.study.pairs.trained import PairTrainer
from isoflop.study.training_stages import Study

SEED_STEP = 1000
"""Between the first seeds of two comparisons of one row: more than pairs in any of them."""
OTHER_SEEDS = 500_000
CORES = 2


@dataclass(frozen=True, kw_only=True)
class Row:
    """A change of the recipe."""

    name: str
    words: str
    old: str
    new: str
    """recipe.toml of A and of B."""
    shift: int = 0


ROWS = (
    Row(name="muon", words="Muon against AdamW", old='[optimizer]\nhidden = "adamw"\n', new=""),
    Row(
        name="wsd",
        words="WSD against cosine to 10 %",
        old='[schedule]\nkind = "cosine"\nfinal_fraction = 0.1\n',
        new='[schedule]\nkind = "wsd"\nfinal_fraction = 0.0\n',
    ),
    Row(name="half", words="half the batch against the recipe's", old="", new="[batch]\nmultiple = 0.5\n"),
    Row(name="three", words="three layers against two", old="[shape]\nlayers = 2\n", new="[shape]\nlayers = 3\n"),
    Row(
        name="rotary",
        words="rotary against learned positions, gpt",
        old='family = "gpt"\npositions = "learned"\n',
        new='family = "gpt"\npositions = "rope"\n',
    ),
    Row(
        name="routed",
        words="routed experts against dense, at equal active FLOPs",
        old='family = "llama"\n',
        new='family = "moe"\n',
    ),
    Row(name="null", words="the recipe against itself, other seeds", old="", new="", shift=OTHER_SEEDS),
)


def decided(row: Row, number: int, out: Path, minutes: float) -> PairsOutcome:
    recipes = out / "recipes"
    recipes.mkdir(parents=True, exist_ok=True)
    files = []
    for side, text in (("old", row.old), ("new", row.new)):
        files.append(recipes / f"{row.name}-{side}.toml")
        files[-1].write_text(text)
    request = PairsRequest(minutes=minutes, seed=number * SEED_STEP, name=row.name, seed_shift=row.shift)
    return compare_recipes(files[0], files[1], out / f"{row.name}-{number}", request)


def answer(outcome: PairsOutcome) -> dict[str, object]:
    """What the table says of a comparison."""
    found, decisions = outcome.comparison, outcome.decisions
    first = None if found is None else found.sets[0]
    losses = [(pair.loss_a, pair.loss_b) for pair in decisions.pairs]
    return {
        "verdict": "nothing compared" if first is None else first.verdict,
        "equal_within": None if first is None else first.equal_within,
        "multiplier": None if first is None else first.multiplier,
        "interval": None if first is None else first.interval,
        "gap": None if first is None else first.gap,
        "trend": None if first is None else first.trend,
        "pairs": len(losses),
        "stopped": decisions.stopped,
        "rates": decisions.chosen,
        "flops": [cell.flops for cell in outcome.design.cells],
    }


def measured_once(out: Path) -> Callable[[Study, SmallRecipe], MeasuredMachine]:
    """A stage `machine` that measures for the first comparison in `out` and serves all others."""
    measure, kept = training_stages.machine, out / "machine.json"

    def machine(study: Study, recipe: SmallRecipe) -> MeasuredMachine:
        if kept.exists() and not study.folder.machine.exists():
            shutil.copyfile(kept, study.folder.machine)
        measured = measure(study, recipe)
        shutil.copyfile(study.folder.machine, kept)
        return measured

    return machine


def processor_seconds() -> float:
    """Of this process and of those that it trained in and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def line(row: Row, number: int, value: dict) -> str:
    def ends(interval: list[float] | None) -> str:
        return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"

    verdict = value["verdict"].replace("_", " ")
    if value["equal_within"] is not None:
        verdict = f"equal within {value['equal_within']:.1%}"
    m = "-" if value["multiplier"] is None else f"{value['multiplier']:.2f}"
    gap = "-" if value["gap"] is None else f"{100 * value['gap']:+.2f}"
    flops = " and ".join(f"{each:.3g}" for each in value["flops"])
    rates = f"{value['rates']['a']:g}, {value['rates']['b']:g}"
    return (
        f"| {row.words} | {number} | {verdict} | {m} | {ends(value['interval'])} | {gap} | "
        f"{value['trend']} | {value['pairs']} | {rates} | {flops} | "
        f"{value['processor_seconds'] / CORES / 60:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--only", choices=[row.name for row in ROWS])
    parser.add_argument("--so-far", action="store_true")
    parser.add_argument("--no-clock", action="store_true")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in (None, row.name)]
    for number in range(arguments.seeds):
        for row in rows:
            kept = arguments.out / f"{row.name}-{number}.json"
            if kept.exists() or arguments.so_far:
                continue
            began = processor_seconds()
            try:
                with ExitStack() as changes:
                    changes.enter_context(mock.patch.object(training_stages, "machine", measured_once(arguments.out)))
                    if arguments.no_clock:
                        changes.enter_context(mock.patch.object(PairTrainer, "in_time", return_value=True))
                    outcome = decided(row, number, arguments.out, arguments.minutes)
            except InputError as error:
                print(f"{row.name}-{number}: {error}", file=sys.stderr, flush=True)
                continue
            kept.write_text(json.dumps({**answer(outcome), "processor_seconds": processor_seconds() - began}))
            print(f"{row.name}-{number}: {kept.read_text()}", file=sys.stderr, flush=True)
    print("# Changes of the recipe, decided by pairs of runs\n")
    print(f"By `python bench/compare/decisions.py OUT --minutes {arguments.minutes:g}`, on two cores; B against A, all")
    print("validation text. Intervals are those of the looks: all of them hold together in 90 %. Gap: by how much B's")
    print("loss is lower, in % of the loss. Rates: the best factor on each recipe's own rate. Minutes: processor")
    print("time over two cores.\n")
    head = ("B against A", "seed", "verdict", "multiplier", "interval", "gap %", "with compute", "pairs")
    print("|", " | ".join((*head, "rates", "FLOPs of the cells", "minutes")), "|")
    print("|" + "---|" * 11)
    for row in rows:
        for number in range(arguments.seeds):
            kept = arguments.out / f"{row.name}-{number}.json"
            if kept.exists():
                print(line(row, number, json.loads(kept.read_text())))


if __name__ == "__main__":
    main()
