"""Tables of final losses of two recipes with a known answer: B learns from each token as much as A from `gain`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from isoflop.laws import published_law

LAW = published_law("besiroglu2024")
SIZES = (30e6, 100e6, 300e6)


def rows_of(
    recipe: str,
    gain: float = 1.0,
    *,
    seeds: int = 3,
    sizes: tuple[float, ...] = SIZES,
    noise: float = 0.001,
    seed: int = 0,
    sets: tuple[str, ...] = ("loss",),
) -> list[dict[str, object]]:
    """Rows of (run, recipe, seed, params, tokens, a loss a set), 20 tokens a parameter."""
    drawn = np.random.default_rng([seed, *recipe.encode()])
    return [
        {
            "run": f"{recipe}-{N:.0f}-{k}",
            "recipe": recipe,
            "seed": k,
            "params": N,
            "tokens": 20 * N,
            **{name: float(LAW.loss(N, 20 * N * gain) * np.exp(noise * drawn.standard_normal())) for name in sets},
        }
        for N in sizes
        for k in range(seeds)
    ]


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
