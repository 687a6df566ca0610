"""What each constant of the recipe is worth.

    python bench/recipe.py OUT [--family llama] [--flops 3e11] [--widths 24,48] [--seeds 1] [--workers 1]

Trains every variant of one constant at a few sizes on one budget and prints the final losses beside the recipe's own.
Runs are kept in OUT/runs: the same command goes on where it stopped, and only new variants cost anything.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from isoflop.arch import family_named
from isoflop.corpus import CorpusSources, build_corpus
from isoflop.hardware import available_cores
from isoflop.recipe import SmallRecipe
from isoflop.runs.driver import execute
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.folder import RunFolder
from isoflop.runs.run_event import RunEvent
from isoflop.runs.run_index import RunIndex
from isoflop.schedule import Schedule
from isoflop.spec import RunSpec
from isoflop.units import parse_quantity


def variants(recipe: SmallRecipe) -> Iterator[tuple[str, SmallRecipe, int]]:
    """(name, recipe, layers) with one thing changed each; another depth keeps the parameters by changing the width."""
    fewest = recipe.tuning.fewest_layers
    yield from ((name, changed, fewest) for name, changed in constants(recipe))
    yield from ((f"{layers} layers", recipe, layers) for layers in (1, 2, 3, 4) if layers != fewest)


def constants(recipe: SmallRecipe) -> Iterator[tuple[str, SmallRecipe]]:
    """(name, recipe) with one constant changed each."""
    yield "the recipe", recipe
    for seq_len in (64, 256):
        yield f"context {seq_len}", replace(recipe, seq_len=seq_len)
    for head_dim in (8, 32):
        yield f"heads of {head_dim}", replace(recipe, head_dim=head_dim)
    for factor in (0.6, 1.6):
        yield f"learning rate x {factor}", replace(recipe, reference_lr=recipe.reference_lr * factor)
        yield f"batch x {factor}", replace(recipe, batch_reference_tokens=recipe.batch_reference_tokens * factor)
    yield "cosine to 10 %", replace(recipe, schedule=Schedule(kind="cosine", final_fraction=0.1))
    yield "cooldown of 40 %", replace(recipe, schedule=replace(recipe.schedule, cooldown_fraction=0.4))
    for field, values in {"weight_decay": (0.0, 0.1), "vectors_lr": (3.0,), "beta2": (0.99,)}.items():
        for value in values:
            yield f"{field} {value:g}", with_rates(recipe, **{field: value})
    yield "AdamW for all", replace(recipe, optimizer=replace(recipe.optimizer, hidden="adamw"))
    for factor in (0.1, 0.3, 0.8, 3.0, 5.0):
        embedding_lr = recipe.optimizer.embedding_lr * factor
        yield f"embedding_lr x {factor:g}", with_rates(recipe, embedding_lr=embedding_lr)
    if not family_named(recipe.family).tied_embedding:  # tied, the head is the embedding
        for output_head_lr in (1.0, 10.0):
            yield f"output_head_lr {output_head_lr:g}", with_rates(recipe, output_head_lr=output_head_lr)


def with_rates(recipe: SmallRecipe, **changes: float) -> SmallRecipe:
    return replace(recipe, optimizer=replace(recipe.optimizer, **changes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--family", default="llama")
    parser.add_argument("--flops", default="3e11")
    parser.add_argument("--widths", default="24,48")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=available_cores())
    arguments = parser.parse_args()
    flops = parse_quantity(arguments.flops, "--flops")
    corpus = build_corpus(arguments.out / "corpus", CorpusSources())
    named: list[tuple[str, RunSpec]] = []
    for width in map(int, arguments.widths.split(",")):
        for name, recipe, layers in variants(SmallRecipe(family=arguments.family, vocab_size=corpus.vocab_size)):
            shape = recipe.shape(4 * round(width * math.sqrt(recipe.tuning.fewest_layers / layers) / 4), layers)
            tokens = flops / recipe.flops_per_token(shape)
            named += [
                (
                    f"width {width:3d}, {name}",
                    recipe.spec(shape, tokens, corpus=corpus.digest, seed=seed, budget_flops=flops),
                )
                for seed in range(arguments.seeds)
            ]
    folders = [RunFolder.create(arguments.out / "runs", spec) for _, spec in named]
    run_index = RunIndex(arguments.out / "study.db", arguments.out / "runs")

    def said(event: RunEvent) -> None:
        if event.kind == "finished":
            print(f"{event.folder.run_id} done", flush=True)

    with closing(
        LocalEngine(workers=arguments.workers, logs=arguments.out / "logs", corpus=corpus.directory)
    ) as engine:
        results = execute(folders, engine, run_index, on_event=said)
    for (name, spec), result in zip(named, results, strict=True):
        loss = f"{result.val_loss_nats:.4f}" if result.val_loss_nats is not None else result.reason
        print(f"{name:34s} seed {spec.seed} {spec.tokens:9d} tokens, batch {spec.batch_tokens:5d}: {loss}")


if __name__ == "__main__":
    main()
