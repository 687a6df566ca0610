"""python bench/fit/envelope.py [--data ../shared/data/gemstones]: approach 1 on Gemstones' tables; writes envelope.md.

The curves are the rows of each run. Published: lines through the convex hull of all points in (ln C, ln loss).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from isoflop.fit import fit_envelope
from isoflop.observations import Observations

TABLES = {"hot_477": "", "hot": "", "cool_end": "_cooldown"}
HEADINGS = (
    "table",
    "a, b published",
    "a, b by the hull of 6ND",
    "a, b ours",
    "a, 90 %",
    "runs on it",
    "late",
    "matched",
)
FLOPS = (3e19, 1e20, 1e21)


def hull(log_flops: np.ndarray, log_loss: np.ndarray) -> list[int]:
    """Indices of the lower left convex hull, by rising compute and falling loss."""
    kept: list[int] = []
    for i in np.lexsort((log_loss, log_flops)):
        if kept and log_loss[i] >= log_loss[kept[-1]]:
            continue
        while len(kept) > 1:
            (x0, y0), (x1, y1) = ((log_flops[j], log_loss[j]) for j in kept[-2:])
            if (y1 - y0) * (log_flops[i] - x0) < (log_loss[i] - y0) * (x1 - x0):
                break
            kept.pop()
        kept.append(int(i))
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "gemstones")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    published = json.loads((arguments.data / "published_fit_parameters.json").read_text())
    lines = [
        "# Approach 1 on Gemstones, curves from the rows of each run\n",
        "`python bench/fit/envelope.py`\n",
        "Published: their own FLOPs, a line through the convex hull of all points from the first row on, N and D each",
        "for itself. Ours: C = 6ND, least loss at 1,500 values of C from the smallest end of a run on, where neither",
        "the smallest nor the largest size is best. `hull`: their way with C = 6ND. The points are of unfinished runs",
        "(`late` is the share in the last 15 % of their run): none is an envelope of matched schedules.\n",
        f"| {' | '.join([*HEADINGS, 'N ours / published at ' + ', '.join(f'{C:.0e}' for C in FLOPS)])} |",
        "|" + "---|" * 9,
    ]
    for name, suffix in TABLES.items():
        text = (arguments.data / f"wandb_df_for_fitting_{name}.jsonl").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        N = np.array([row["params_active_precise"] for row in rows], dtype=float)
        D = np.array([row["tokens"] for row in rows], dtype=float)
        loss = np.array([row["final_loss"] for row in rows])
        fit = fit_envelope(Observations.from_arrays(N=N, D=D, loss=loss, run_id=[row["run_name"] for row in rows]))
        theirs = [
            published[f"parameters/approach_1_linear_regression_{what}{suffix}.json"] for what in ("params", "tokens")
        ]
        at = hull(np.log(6 * N * D), np.log(loss))
        slopes = [float(np.polyfit(np.log(6 * N * D)[at], np.log(values[at]), 1)[0]) for values in (N, D)]
        ratios = [fit.optimum(C)[0] / np.exp(theirs[0]["coef"][0] * np.log(C) + theirs[0]["intercept"]) for C in FLOPS]
        low, high = fit.intervals["a"]
        cells = [name, ", ".join(f"{law['coef'][0]:.3f}" for law in theirs), ", ".join(f"{s:.3f}" for s in slopes)]
        cells += [", ".join(f"{value:.3f}" for value in fit.exponents), f"{low:.3f} to {high:.3f}"]
        cells += [str(fit.details["runs_on_envelope"]), f"{fit.details['share_in_last_15_percent']:.0%}"]
        cells += [str(fit.details["matched"]), ", ".join(f"{ratio:.2f}" for ratio in ratios)]
        lines.append("| " + " | ".join(cells) + " |")
    arguments.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
