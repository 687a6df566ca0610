"""Comparisons whose answer is known exactly: a recipe that masks a fifth of every batch is worth .80 of its tokens.

    python bench/compare/known_answer.py OUT [--comparisons 20] [--pairs 6] [--processes 1]

B is the default recipe with masked_fraction = .2: a fifth of each batch is masked out of attention and loss and counted
all the same, so that B at D tokens learns what A learns at .8 D. Each comparison has pairs of runs of its own, and as
many runs of A at half the tokens, which show how fast the loss falls. Runs are kept in OUT: the same command goes on
where it stopped. Eighteen runs of 3 s each a comparison, on one core.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.compare import CompareOptions, Comparison, FinalRun, Side, compare_runs
from isoflop.corpus import Corpus, CorpusSources, build_corpus
from isoflop.recipe import SmallRecipe
from isoflop.runs.driver import execute
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.folder import RunFolder
from isoflop.runs.run_event import RunEvent
from isoflop.runs.run_index import RunIndex
from isoflop.spec import RunSpec

WIDTH, LAYERS = 48, 2
TOKENS = 200_000
"""So many that all runs have one sequence a step: the batch rule's rounding is no part of the answer."""
MASKED, ANSWER = 0.2, 0.8
EVAL_TOKENS = 16_384
"""The same windows for every run, so that fewer of them cost no precision of a gap."""


@dataclass(frozen=True, kw_only=True)
class Specs:
    """The runs of one comparison."""

    a: tuple[RunSpec, ...]
    half: tuple[RunSpec, ...]
    """A at half the tokens."""
    b: tuple[RunSpec, ...]


def specs_of(number: int, pairs: int, corpus: Corpus) -> Specs:
    recipe = SmallRecipe(vocab_size=corpus.vocab_size, eval_tokens=EVAL_TOKENS)
    masked = replace(recipe, masked_fraction=MASKED)
    shape = recipe.shape(WIDTH, LAYERS)
    seeds = range(number * pairs, (number + 1) * pairs)

    def runs(of: SmallRecipe, tokens: float, shift: int = 0) -> tuple[RunSpec, ...]:
        return tuple(of.spec(shape, tokens, corpus=corpus.digest, seed=seed + shift) for seed in seeds)

    return Specs(a=runs(recipe, TOKENS), half=runs(recipe, TOKENS / 2, shift=100_000), b=runs(masked, TOKENS))


def side(name: str, specs: tuple[RunSpec, ...], losses: dict[str, float]) -> Side:
    return Side(
        name=name,
        runs=tuple(
            FinalRun(
                name=spec.run_id,
                losses={"all text": losses[spec.run_id]},
                params=float(spec.architecture.params().non_embedding),
                tokens=float(spec.tokens),
                flops=spec.flops,
                label=f"seed {spec.seed}",
                finished=True,
            )
            for spec in specs
        ),
    )


def compared(specs: Specs, losses: dict[str, float]) -> tuple[Comparison, Comparison]:
    """B against A, and A against B."""
    a, b = side("whole", (*specs.half, *specs.a), losses), side("masked", specs.b, losses)
    options = CompareOptions(axis="data")
    return compare_runs(a, b, options), compare_runs(b, a, options)


def report(found: list[tuple[Comparison, Comparison]], pairs: int, wanted: int) -> None:
    print("# The known answer: a fifth of every batch masked is worth .80 of the tokens\n")
    print(f"By `python bench/compare/known_answer.py OUT --pairs {pairs}`: {len(found)} of {wanted} comparisons of")
    print(f"{pairs} pairs each, width {WIDTH}, {TOKENS:,} tokens, default text, axis `data`, 90 % intervals.\n")
    print("| comparison | multiplier | interval | holds .80 | half-width | swapped | product less 1 |")
    print("|---|---|---|---|---|---|---|")
    holds, widths, off = 0, [], 0.0
    for number, (there, back) in enumerate(found):
        one, other = there.sets[0], back.sets[0]
        assert one.multiplier is not None
        assert other.multiplier is not None
        assert one.interval is not None
        inside = one.interval[0] <= ANSWER <= one.interval[1]
        width = (one.interval[1] - one.interval[0]) / 2
        product = one.multiplier * other.multiplier - 1
        holds, off = holds + inside, max(off, abs(product))
        widths.append(width)
        print(
            f"| {number} | {one.multiplier:.3f} | {one.interval[0]:.3f} to {one.interval[1]:.3f} | "
            f"{'yes' if inside else 'no'} | {width:.3f} | {other.multiplier:.3f} | {product:.0e} |"
        )
    mean = sum(there.sets[0].multiplier or 0.0 for there, _ in found) / len(found)
    print(f"\n{holds} of {len(found)} intervals hold .80; mean multiplier {mean:.3f}; mean half-width")
    print(f"{sum(widths) / len(widths):.3f}, largest {max(widths):.3f}; product of both directions 1 to {off:.0e}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--comparisons", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--so-far", action="store_true", help="report the comparisons that are whole, train nothing")
    arguments = parser.parse_args()
    corpus = build_corpus(arguments.out / "corpus", CorpusSources())
    wanted = [specs_of(number, arguments.pairs, corpus) for number in range(arguments.comparisons)]
    runs = arguments.out / "runs"
    index = RunIndex(arguments.out / "study.db", runs)

    def silent(event: RunEvent) -> None:
        del event

    with closing(
        LocalEngine(workers=arguments.processes, logs=arguments.out / "logs", corpus=corpus.directory)
    ) as engine:
        for specs in () if arguments.so_far else wanted:
            folders = [RunFolder.create(runs, spec) for spec in (*specs.a, *specs.half, *specs.b)]
            execute(folders, engine, index, on_event=silent)
    losses = {}
    for specs in wanted:
        for spec in (*specs.a, *specs.half, *specs.b):
            folder = RunFolder(runs / spec.run_id)
            result = folder.read_result(spec) if folder.spec.exists() else None
            if result is not None and result.val_loss_nats is not None:
                losses[spec.run_id] = result.val_loss_nats
    whole = [specs for specs in wanted if all(s.run_id in losses for s in (*specs.a, *specs.half, *specs.b))]
    report([compared(specs, losses) for specs in whole], arguments.pairs, len(wanted))


if __name__ == "__main__":
    main()
