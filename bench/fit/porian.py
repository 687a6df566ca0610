"""python bench/fit/porian.py [--data ../shared/data/porian]: the 15 conditions of Porian et al. 2024; writes porian.md.

Exponents of approach 2 from their isoFLOP points beside those that they publish, and which schedules are flagged.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from isoflop.fit import fit_isoflop
from isoflop.fit.isoflop.profile import WINDOW
from isoflop.fit.isoflop.reported_optima import fit_optima
from isoflop.fit.schedule_checks import MISMATCH
from isoflop.observations import Observations

KEYS = ("dataset", "hparams", "warmup", "decay", "param_count", "val", "file", "row")
MEANING = {"kaplan": "unmatched", "const": "constant, not annealed", "chinchilla": "matched"}
WINDOWS = (4.0, 8.0, 12.0)


def tables(path: Path) -> dict[tuple[str, ...], list[dict[str, str]]]:
    found: dict[tuple[str, ...], list[dict[str, str]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(tuple(row[key] for key in KEYS), []).append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "porian")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    points, pairs = tables(arguments.data / "isoflop_points.csv"), tables(arguments.data / "optimal_pairs.csv")
    published = json.loads((arguments.data / "published_fits.json").read_text())
    rows, off = [], []
    for entry in published:
        condition = tuple(str(entry[key]) for key in KEYS)
        columns = {"N": "orig_n", "D": "orig_t", "C": "flops", "loss": "orig_loss"}
        data = Observations.from_rows(points[condition], columns=columns)
        given = Observations.from_rows(pairs[condition], columns={"N": "n", "D": "t", "C": "flops", "loss": "loss"})
        basic, weighted = (entry["fit_results"][kind]["n_exponent"] for kind in ("basic", "weighted"))
        found, plain = fit_isoflop(data), fit_isoflop(data, draws=0, vertices="parabola")
        others = [fit_isoflop(data, draws=0, window=window).exponents[0] for window in WINDOWS]
        budgets, curvature = found.budgets, found.curvature
        off.append([found.exponents[0] - basic, *(other - basic for other in others), plain.exponents[0] - basic])
        rows.append(
            [
                ", ".join(condition[:5]),
                f"{basic:.3f} / {weighted:.3f}",
                f"{fit_optima(given, draws=0).exponents[0]:.3f}",
                f"{found.exponents[0]:.3f} ({found.intervals['a'][0]:.3f} to {found.intervals['a'][1]:.3f})",
                f"{off[-1][0]:+.3f}",
                *(f"{value:.3f}" for value in (*others, plain.exponents[0])),
                f"{found.vertices.asymmetry:+.2f}",
                f"{sum(budget.kept for budget in budgets)} of {len(budgets)}",
                f"{curvature.bend / curvature.bend_se:+.1f}",
                "a above .58" if any(notice.code == MISMATCH for notice in found.notices) else "",
                MEANING[condition[3]],
            ]
        )
    headings = ["dataset, hparams, warm-up, decay, count of N", "published basic / weighted", "from their optima"]
    headings += ["approach 2 (90 %)", "less basic", *(f"window {window:g}" for window in WINDOWS)]
    headings += ["parabola, all sizes", "asymmetry", "budgets used", "z of the bend", "`schedule_mismatch` by the data"]
    headings += ["what the file's column `decay` says"]
    lines = ["# Exponents a of Porian et al. 2024, 15 conditions\n", "`python bench/fit/porian.py`\n"]
    lines += [
        f"Approach 2: window {WINDOW:g} around the vertex, shared asymmetry; other columns change only the window.\n"
    ]
    lines += ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    worst, spread = np.abs(off).max(axis=0), np.sqrt(np.mean(np.square(off), axis=0))
    lines += ["", "| | approach 2 | " + " | ".join(f"window {w:g}" for w in WINDOWS) + " | parabola, all sizes |"]
    lines += ["|" + "---|" * 6]
    lines += [f"| {name} | " + " | ".join(f"{v:.3f}" for v in values) + " |" for name, values in
              (("largest difference", worst), ("root mean square", spread))]  # fmt: skip
    arguments.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
