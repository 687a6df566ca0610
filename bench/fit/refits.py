"""Makes the fits of public points that give published laws their intervals: src/isoflop/plan/refits/.

    python bench/fit/refits.py

The points of Hoffmann et al. 2022, Figure 4, are in tests/golden/. 1,000 draws keep the files small (.25 MB).
"""

from __future__ import annotations

from pathlib import Path

from isoflop.fit import fit_all
from isoflop.observations import read_observations

ROOT = Path(__file__).parents[2]
DRAWS = 1000


def main() -> None:
    """Fits the 240 points and saves the fit."""
    runs = read_observations(
        ROOT / "tests" / "golden" / "chinchilla_figure4.csv",
        params_convention="total",
        flops_convention="six_n",
        loss_unit="nats_per_token",
    )
    target = ROOT / "src" / "isoflop" / "plan" / "refits" / "besiroglu2024.json"
    fit_all(runs, draws=DRAWS, seed=0).save(target)
    print(target, target.stat().st_size, target.with_suffix(".npz").stat().st_size)


if __name__ == "__main__":
    main()
