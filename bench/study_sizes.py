"""python bench/study_sizes.py STUDY ...: sizes around a study's plan, trained with its FLOPs; what the plan wasted.

Each STUDY is the folder of a finished study. Beside the planned model four others are trained on the same text with the
same recipe, seed and FLOPs, in STUDY/sizes: 1/2.25, 1/1.5, 1.5 and 2.25 times its parameters; the same command goes on
where it stopped. A parabola in ln N through the five losses is the isoFLOP profile of the target: its vertex is the
best size. The share of compute that the plan wasted is what its loss lies above the vertex, over the slope of the best
loss in ln C, which the best losses of the sweep's budgets and of the target give at the target.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from isoflop.files import read_json
from isoflop.fit import FitReport
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.study import StudyFolder, open_study, training_stages
from isoflop.study.learning_rate_check import tuned_recipe
from isoflop.study.machine import read_machine, speed_of
from isoflop.sweep import Design
from isoflop.units import format_flops, format_quantity

FACTORS = (1 / 2.25, 1 / 1.5, 1.0, 1.5, 2.25)


def trained(path: Path) -> list[tuple[float, float]]:
    """(N, loss) of the planned model and of those around it, ascending."""
    study = open_study(path)
    recipe = study.recipe(training_stages.built_corpus(study).vocab_size)
    report = FitReport.load(study.folder.fit)
    recipe = tuned_recipe(recipe, study.folder, float(report.parametric.residual_sd))
    planned = Design.load(study.folder.final_design).specs[0]
    specs = {factor: spec_at(factor, planned, recipe) for factor in FACTORS}
    specs[1.0] = planned
    apart = replace(study, folder=StudyFolder(path / "sizes", corpus_folder=study.folder.corpus))
    apart.folder.path.mkdir(exist_ok=True)
    done = RunFolder(study.folder.runs / planned.run_id)
    wanted = [spec for spec in specs.values() if spec.run_id != planned.run_id]
    training_stages.train(apart, wanted, speed_of(read_machine(study.folder.machine)).seconds)
    results = [done, *(RunFolder(apart.folder.runs / spec.run_id) for spec in wanted)]
    found = []
    for run in results:
        result = run.read_result()
        if result is not None and result.val_loss_nats is not None:
            size = run.read_spec().architecture.params().non_embedding
            found.append((float(size), float(result.val_loss_nats)))
    return sorted(found)


def spec_at(factor: float, planned: RunSpec, recipe: object) -> RunSpec:
    shape = recipe.architecture(factor * planned.architecture.params().non_embedding)  # type: ignore[attr-defined]
    flops = planned.budget_flops
    tokens = flops / recipe.flops_per_token(shape)  # type: ignore[attr-defined]
    return recipe.spec(shape, tokens, corpus=planned.corpus, seed=planned.seed, budget_flops=flops)  # type: ignore[attr-defined,no-any-return]


def rows(path: Path) -> Iterator[str]:
    """The lines of one study."""
    runs = trained(path)
    plan = read_json(StudyFolder(path).plan)
    report = FitReport.load(StudyFolder(path).fit)
    x, y = np.log([N for N, _ in runs]), np.array([loss for _, loss in runs])
    c2, c1, c0 = np.polyfit(x - x.mean(), y, 2)
    at = float(np.clip(-c1 / (2 * c2) if c2 > 0 else x[np.argmin(y)] - x.mean(), *(x[[0, -1]] - x.mean())))
    best, least = float(np.exp(x.mean() + at)), float(np.polyval([c2, c1, c0], at))
    planned = float(plan["architecture"]["params"])
    sizes_asked = {"built": planned, "planned": float(plan["params"])}
    excess = {
        what: max(float(np.polyval([c2, c1, c0], np.log(N) - x.mean())) - least, 0.0) for what, N in sizes_asked.items()
    }
    vertices = [budget for budget in report.isoflop.budgets if budget.kept]
    t = np.log([*(vertex.flops for vertex in vertices), plan["flops"]])
    losses = np.array([*(vertex.loss for vertex in vertices), least])
    # ln L against ln C is nearly straight over a factor of 64, with a little curvature: its slope at the end.
    bent = np.polyfit(t - t[-1], np.log(losses), 2)
    wasted = {what: 1 - np.exp(-above / (-float(bent[1]) * least)) for what, above in excess.items()}
    yield f"\n## {path.name}: {format_flops(plan['flops'])} FLOPs\n"
    yield "| N | loss, nats |\n|---|---|"
    for N, loss in runs:
        yield f"| {format_quantity(N)}{' (planned)' if abs(np.log(N / planned)) < 1e-6 else ''} | {loss:.4f} |"
    low, high = plan["params_interval"]
    yield (
        f"\nBest by the parabola {format_quantity(best)}, {least:.4f}; planned {format_quantity(plan['params'])} "
        f"({format_quantity(low)} to {format_quantity(high)}), built {format_quantity(planned)}. Wasted "
        f"{wasted['planned']:.1%} by the planned size and {wasted['built']:.1%} by the built one, expected "
        f"{plan['expected_waste']:.1%}."
    )
    tested = report.size_backtest
    if tested is not None:
        yield (
            f"Size backtest at {format_flops(tested.held_out_budget_flops)}: {format_quantity(tested.predicted)} "
            f"({format_quantity(tested.interval[0])} to {format_quantity(tested.interval[1])}), came "
            f"{format_quantity(tested.actual)}, a waste of {tested.wasted or 0:.1%}."
        )
    sizes = report.sizes.at(plan["flops"]) if report.sizes is not None else None
    for item in () if sizes is None else sizes.estimators:
        alone, bent = format_quantity(item.params), format_quantity(item.bent)
        yield f"- {item.estimator}: {alone}, with the bend {bent}, weight {item.weight:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path, nargs="+")
    for path in parser.parse_args().studies:
        for line in rows(path):
            print(line, flush=True)


if __name__ == "__main__":
    main()
