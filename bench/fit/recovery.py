"""Approach 3 against known answers: made-up data without noise, and published fits of public data.

    python bench/fit/recovery.py DATA > bench/fit/recovery.md

DATA holds chinchilla_svg/svg_extracted_data.csv (the points of Hoffmann et al.'s Figure 4 that Besiroglu et al.
recovered) and gemstones/*.jsonl with the constants that McLeish et al. published for them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from isoflop.fit import fit_parametric
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations, read_observations

NAMES = ("E", "A", "B", "alpha", "beta")
TRUTHS = {
    "besiroglu": ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658),
    "hoffmann": ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28),
    "asym": ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155),
}
VOCABULARY = 50304  # of the Gemstones models, whose N counts the embedding


def noise_free() -> None:
    print("## Constants of noise-free data, five budgets 1e17 to 1e21 of 15 sizes, largest relative error\n")
    print("| truth | largest error | starts at the best | goal |\n|---|---|---|---|")
    for name, law in TRUTHS.items():
        budgets = np.repeat(np.geomspace(1e17, 1e21, 5), 15)
        N = law.optimum(budgets)[0] * np.tile(np.geomspace(1 / 8, 8, 15), 5)
        D = budgets / (6 * N)
        fit = fit_parametric(Observations.from_arrays(N=N, D=D, loss=law.loss(N, D), budget=budgets), draws=0)
        found, truth = fit.law.constants(), law.constants()
        error = max(abs(found[key] / truth[key] - 1) for key in NAMES)
        starts = fit.starts
        print(f"| {name} | {error:.0e} | {starts.at_best} of {starts.tried} | 1e-06 |")


def figure(folder: Path) -> None:
    print("\n## Points of Hoffmann et al.'s Figure 4\n")
    print("| rows | objective | E | A | B | alpha | beta | starts at the best | scaled gradient |\n|" + "---|" * 9)
    whole = read_observations(folder / "chinchilla_svg" / "svg_extracted_data.csv")
    order = np.argsort(-whole.loss)
    for left_out in (5, 0):
        keep = np.ones(len(whole), dtype=bool)
        keep[order[:left_out]] = False
        fit = fit_parametric(whole.select(keep, "one of the highest losses"), draws=0)
        constants = " | ".join(f"{fit.law.constants()[name]:.7g}" for name in NAMES)
        starts = fit.starts
        print(
            f"| {int(keep.sum())} | {fit.objective:.14f} | {constants} | {starts.at_best} of "
            f"{starts.tried} | {fit.gradient:.0e} |"
        )


def gemstones(folder: Path) -> None:
    print("\n## Gemstones: every published approach-3 fit whose rows are public here\n")
    print("Objectives are both evaluated here; an excess is the published constants' over the least.\n")
    print(
        "| file | delta | rows | alpha | published | beta | published | objective | published's excess | at the best |"
    )
    print("|" + "---|" * 10)
    published = json.loads((folder / "gemstones" / "published_fit_parameters.json").read_text())
    for key, answer in sorted(published.items()):
        power = int(key.split("/")[0][-1]) if key.startswith("parameters_delta-") else 0
        name = key.partition("approach_3_parameters_grid_search_0_")[2].removesuffix(".json")
        file = folder / "gemstones" / f"wandb_df_for_fitting_{name.removesuffix('_no_embeds')}.jsonl"
        if not power or not name or not file.is_file():
            continue
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        embedding = [VOCABULARY * row["width"] if name.endswith("_no_embeds") else 0 for row in rows]
        N = np.array([row["params_active_precise"] for row in rows], dtype=float) - embedding
        D, loss = (np.array([row[field] for row in rows], dtype=float) for field in ("tokens", "final_loss"))
        fit = fit_parametric(Observations.from_arrays(N=N, D=D, loss=loss), draws=0, delta=10.0**-power)
        (alpha, beta), (a, b) = answer["exponents"]["0"], answer["coefficients"]["0"]
        law = {
            "E": np.exp(answer["irreducible_error"]["0"]),
            "A": np.exp(a),
            "B": np.exp(b),
            "alpha": alpha,
            "beta": beta,
        }
        problem = HuberObjective.of(N, D, loss, 10.0**-power)
        theirs = float(problem.value(problem.theta(law)[None], np.ones((1, len(N))))[0])
        ours, found, starts = fit.objective, fit.law.constants(), fit.starts
        exponents = f"{found['alpha']:.4f} | {alpha:.4f} | {found['beta']:.4f} | {beta:.4f}"
        reached = f"{starts.at_best} of {starts.tried}"
        excess = f"{theirs / ours - 1:+.1e}"
        print(f"| {name} | 1e-{power} | {len(rows)} | {exponents} | {ours:.8g} | {excess} | {reached} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data
    print("# Approach 3 against known answers\n\n`python bench/fit/recovery.py DATA`\n")
    noise_free()
    figure(folder)
    gemstones(folder)


if __name__ == "__main__":
    main()
