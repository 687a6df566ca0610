"""Makes the fits of public points that give published laws their intervals: src/isoflop/plan/refits/.

    python bench/fit/refits.py

The points of Hoffmann et al. 2022, Figure 4, are in tests/golden/. 1,000 draws keep the files small (70 kB).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isoflop.codec import to_json
from isoflop.files import write_json_atomically
from isoflop.fit import ParametricFit, fit_all
from isoflop.fit.draws_file import packed_draws
from isoflop.fit.result.approach import CONSTANTS
from isoflop.observations import read_observations

ROOT = Path(__file__).parents[2]
DRAWS = 1000


def main() -> None:
    """Fits the 240 points, and saves the forecaster, the scatter and the draws."""
    runs = read_observations(
        ROOT / "tests" / "golden" / "chinchilla_figure4.csv",
        params_convention="total",
        flops_convention="six_n",
        loss_unit="nats_per_token",
    )
    report = fit_all(runs, draws=DRAWS, seed=0)
    fit, forecaster = report.parametric, report.forecaster
    assert isinstance(fit, ParametricFit)
    assert forecaster is not None
    assert fit.draws is not None
    target = ROOT / "src" / "isoflop" / "plan" / "refits" / "besiroglu2024.json"
    target.unlink(missing_ok=True)
    target.with_suffix(".npz").unlink(missing_ok=True)
    write_json_atomically(target, {"forecast": to_json(forecaster), "scatter": fit.residual_sd})
    constants = np.stack([getattr(fit.draws, name) for name in CONSTANTS["parametric"]], axis=1)
    target.with_suffix(".npz").write_bytes(packed_draws({"parametric": constants, **forecaster.arrays()}))
    print(target, target.stat().st_size, target.with_suffix(".npz").stat().st_size)


if __name__ == "__main__":
    main()
