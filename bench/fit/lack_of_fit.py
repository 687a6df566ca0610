"""How often the lack-of-fit alarm rings, on right forms and wrong ones.

    python bench/fit/lack_of_fit.py bench/fit/lack_of_fit.md


Sweeps of isoFLOP budgets, sizes log-spaced to both sides of the optimum, noise of ln loss normal. Wrong surfaces:
`coupled` is what the 240 points of Hoffmann et al. 2022, Figure 4 fit (gamma .774); `bent` is the law of Besiroglu et
al. 2024 times exp(.004 ln(N / 1e9) ln(D / 2e10)).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from isoflop.files import write_bytes_atomically
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.lack_of_fit import lack_of_fit
from isoflop.laws import ChinchillaLaw, CoupledLaw, published_law
from isoflop.observations import Observations

BESIROGLU = published_law("besiroglu2024")
LAWS = {
    "besiroglu": BESIROGLU,
    "hoffmann": published_law("hoffmann2022-3-rounded"),
    "asym": ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155),
}
COUPLED = CoupledLaw(E=1.757, A=2305.0, B=9957.0, alpha=0.42436, beta=0.43053, gamma=0.774)
DESIGNS = ((5, 6, 4.0), (5, 8, 4.0), (9, 15, 8.0), (9, 27, 8.0))
REPLICATES = 200
NOISE = 0.005


def bent(N: np.ndarray, D: np.ndarray) -> np.ndarray:
    return BESIROGLU.loss(N, D) * np.exp(0.004 * np.log(N / 1e9) * np.log(D / 2e10))


def sweep(
    surface: Callable[[np.ndarray, np.ndarray], np.ndarray],
    centre: ChinchillaLaw,
    design: tuple[int, int, float],
    seed: int,
) -> Observations:
    budgets, sizes, span = design
    C = np.repeat(np.geomspace(1e18, 1e22 if budgets > 5 else 1e21, budgets), sizes)
    N = centre.optimum(C)[0] * np.tile(np.geomspace(1 / span, span, sizes), budgets)
    loss = surface(N, C / 6 / N) * np.exp(np.random.default_rng(seed).normal(0, NOISE, len(N)))
    return Observations.from_arrays(N=N, C=C, loss=loss, budget=C)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    cases = [(f"{name} (right)", law.loss, law, design) for name, law in LAWS.items() for design in DESIGNS]
    cases += [
        (name, surface, BESIROGLU, design)
        for name, surface in (("coupled", COUPLED.loss), ("bent", bent))
        for design in DESIGNS
    ]
    lines = [
        "# How often the lack-of-fit alarm rings",
        "",
        f"Made by `python bench/fit/lack_of_fit.py bench/fit/lack_of_fit.md`: {REPLICATES} sweeps a line, "
        f"noise {NOISE:.1%}.",
        "",
        "| surface | budgets x sizes, span | rings | removed by |",
        "|---|---|---|---|",
    ]
    for name, surface, centre, design in cases:
        found = []
        for seed in range(REPLICATES):
            data = sweep(surface, centre, design, seed)
            found.append(lack_of_fit(data, FittedForms.of(data, 1e-3)))
        rings = [one for one in found if one.found]
        by = ", ".join(
            f"{form or 'none'} {count}" for form, count in Counter(o.removed_by for o in rings).most_common()
        )
        budgets, sizes, span = design
        lines.append(f"| {name} | {budgets} x {sizes}, x/÷{span:g} | {len(rings) / REPLICATES:.1%} | {by} |")
        print(lines[-1], flush=True)
    write_bytes_atomically(out, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
