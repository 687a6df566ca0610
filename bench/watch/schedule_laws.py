"""The laws of loss curves under a schedule on public curves of two sizes and nine schedules, as Markdown.

python bench/watch/schedule_laws.py [DATA] > bench/watch/schedule_laws.md
DATA is the folder of SIZE_SCHEDULE.csv of thu-yao-01-luo/MultiPowerLaw: step, lr, loss.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import numpy as np

from isoflop.watch.curve import Curve
from isoflop.watch.law_fit import LawFit, fit_law
from isoflop.watch.law_method import ANNEALING, MULTI_POWER, LawMethod

FITTED = ("cosine_24000", "constant_24000", "wsdcon_9")
TESTED = ("constant_72000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000", "wsdcon_3", "wsdcon_18")
LONG = ("constant_24000", "constant_72000", "cosine_24000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000")
SIZES = ("25M", "100M")
SHARES = (0.2, 0.3, 0.5, 0.8)
SETTLED = 3000
"""Steps up to which runs of one recipe differ by up to .7 %: they come out of a warm-up of 2,160."""


def read(folder: Path, size: str, name: str) -> Curve:
    with (folder / f"{size}_{name}.csv").open(newline="") as file:
        rows = [[float(row[key]) for key in ("step", "lr", "loss")] for row in csv.DictReader(file)]
    step, rate, loss = np.array(rows).T
    end = float(np.exp(np.mean(np.log(loss[-2:]))))
    return Curve(
        name=f"{size} {name}",
        tokens=step,
        loss=loss,
        schedule_tokens=step,
        schedule_rates=rate,
        total_tokens=16000.0 if name.startswith("wsdcon") else float(name.rsplit("_", 1)[1]),
        counts="steps",
        params=1e6 * float(size.rstrip("M")),
        final=end,
        end=end,
    )


def other_schedules(method: LawMethod, curves: dict[str, Curve]) -> tuple[LawFit, str]:
    """The fit to three schedules, and the row of the six others."""
    begin = time.process_time()
    fit = fit_law(method.form, [curves[name] for name in FITTED], ["all"] * len(FITTED))
    seconds = time.process_time() - begin
    means, worst, settled = [], [], []
    for name in TESTED:
        curve = curves[name]
        error = 100 * np.abs(fit.levels["all"].loss(method.form, fit.points(curve)) / curve.loss - 1)
        means.append(error.mean())
        worst.append(error.max())
        settled.append(error[curve.tokens > SETTLED].max())
    cells = [f"{np.mean(means):.3f}", f"{max(settled):.2f}", f"{max(worst):.2f}", f"{1000 * seconds:.0f} ms"]
    return fit, " | ".join(cells)


def other_size(method: LawMethod, like: list[Curve], runs: list[Curve]) -> list[str]:
    rows = []
    for share in SHARES:
        errors = [100 * (method.predicted_final(run.until(share), like) / run.final - 1) for run in runs]
        rows.append(" | ".join([f"{share:.0%}", *(f"{error:+.2f}" for error in errors)]))
    return rows


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/schedule_curves")
    curves = {size: {name: read(folder, size, name) for name in (*FITTED, *TESTED)} for size in SIZES}
    print("# Laws of loss curves under a schedule\n")
    print("Made by `python bench/watch/schedule_laws.py`; curves of thu-yao-01-luo/MultiPowerLaw.")
    print("\n## Fitted to three schedules, tested on the six others: relative error in %\n")
    print(f"| law | size | mean | largest after step {SETTLED:,} | largest of all | fit |\n|---|---|---|---|---|---|")
    fits = {}
    for method in (ANNEALING, MULTI_POWER):
        for size in SIZES:
            fits[method.name, size], row = other_schedules(method, curves[size])
            print(f"| {method.name} | {size} | {row} |")
    print("\nConstants: alpha, power of the rate, ln g, d alpha / dx, d ln g / dx, then those of the drops.\n")
    for (name, size), fit in fits.items():
        print(f"- {name}, {size}: {', '.join(f'{value:.3f}' for value in fit.shape)}")
    print("\n## Final loss of a run of another size from its beginning: error in %")
    for method in (ANNEALING, MULTI_POWER):
        for size, other in (SIZES, SIZES[::-1]):
            print(f"\n{method.name}, shape of {size}, beginning of {other}:\n")
            print(f"| done | {' | '.join(LONG)} |\n|{'---|' * (len(LONG) + 1)}")
            for row in other_size(method, list(curves[size].values()), [curves[other][name] for name in LONG]):
                print(f"| {row} |")


if __name__ == "__main__":
    main()
