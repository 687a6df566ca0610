"""How fast approach 3 is, against SciPy as the published refit uses it and against another package.

    python bench/fit/speed.py svg_extracted_data.csv > bench/fit/speed.md

The file is the points of Hoffmann et al.'s Figure 4 (columns Model Size, Training FLOP, loss). Both sides of a ratio
run in turns in one process on one thread; times are CPU seconds of the process, medians over rounds. Needs
`pip install scipy`, and for one row `simple-scaling-laws==0.2.0` (Python 3.12).
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import csv  # noqa: E402
import platform  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from itertools import product  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import scipy  # noqa: E402
from scipy.optimize import minimize  # noqa: E402

from isoflop.fit import ParametricFit, fit_parametric  # noqa: E402
from isoflop.fit.parametric.bootstrap import bootstrap  # noqa: E402
from isoflop.fit.parametric.multistart import (  # noqa: E402
    CertifiedOptimum,
    find_optimum,
    spread_starts,
)
from isoflop.fit.parametric.newton import RESAMPLE, minimise  # noqa: E402
from isoflop.fit.parametric.objective import HuberObjective  # noqa: E402
from isoflop.fit.resampling import run_weights  # noqa: E402
from isoflop.observations import Observations, read_observations  # noqa: E402

LEAST = 0.00101827401780060  # of the 240 rows: four optimisers agree to 1e-14
DELTA = 1e-3
GRID = [
    (a, b, e, alpha, beta)
    for alpha, beta, e, a, b in product(
        (0, 0.5, 1, 1.5, 2), (0, 0.5, 1, 1.5, 2), (-1, -0.5, 0, 0.5, 1), range(0, 30, 5), range(0, 30, 5)
    )
]


def published_objective(theta: np.ndarray, N: np.ndarray, D: np.ndarray, loss: np.ndarray) -> float:
    """Hoffmann et al. 2022, Eq. 3, evaluated as Besiroglu et al.'s notebook does: from raw columns, to a scalar.

    Its gradient is left to SciPy's finite differences, as it is there.
    """
    a, b, e, alpha, beta = theta
    r = np.log(loss) - np.log(np.exp(a - alpha * np.log(N)) + np.exp(b - beta * np.log(D)) + np.exp(e))
    return float(np.sum(np.where(np.abs(r) <= DELTA, 0.5 * r**2, DELTA * (np.abs(r) - 0.5 * DELTA))))


def seconds(call: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    return (
        f"{cpu}, {os.cpu_count()} cores, one thread used; {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}; load average {os.getloadavg()[0]:.1f}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).is_file() else []


def single_fit(data: Observations, rounds: int) -> list[str]:
    columns = data.N, data.D, data.loss
    chosen = [GRID[i] for i in np.linspace(0, len(GRID) - 1, 100).astype(int)]
    ends: list[float] = []

    def theirs() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # starts of the published grid overflow
            ends.extend(float(minimize(published_objective, s, args=columns, method="L-BFGS-B").fun) for s in chosen)

    def ours() -> None:
        found.extend(find_optimum(HuberObjective.of(data.N, data.D, data.loss, DELTA)) for _ in range(5))

    found: list[CertifiedOptimum] = []
    ours()
    pairs = [(seconds(theirs) * len(GRID) / len(chosen), seconds(ours) / 5) for _ in range(rounds)]
    grid, fit = np.median(pairs, axis=0)
    best = found[-1]
    reached = float(np.mean(np.array(ends) < LEAST * (1 + 1e-4)))
    return [
        f"| one multi-start fit, 240 rows | {grid:.0f} s (100 of 4,500 starts timed; {reached:.0%} of them end within "
        f"1e-4 of F*) | {1e3 * fit:.1f} ms | {np.median([g / f for g, f in pairs]):,.0f} | 5,000 |",
        f"\nObjective {best.value:.17g}, F*(1 {best.value / LEAST - 1:+.1e}); {best.at_best} of {best.tried} starts at "
        f"the best, scaled gradient {best.gradient:.1e}.",
    ]


def refits(data: Observations, rounds: int, draws: int) -> list[str]:
    problem = HuberObjective.of(data.N, data.D, data.loss, DELTA)
    theta = find_optimum(problem).theta
    law = {name: float(value) for name, value in problem.constants(theta).items()}
    start = np.array([np.log(law["A"]), np.log(law["B"]), np.log(law["E"]), law["alpha"], law["beta"]])
    columns = data.N, data.D, data.loss
    run, stratum = np.arange(len(data)), np.zeros(len(data), dtype=np.int64)
    rng = np.random.default_rng(1)

    def theirs() -> None:
        for _ in range(12):
            rows = rng.integers(len(data), size=len(data))
            minimize(published_objective, start, args=tuple(column[rows] for column in columns), method="BFGS")

    def ours() -> None:
        bootstrap(problem, theta, run, stratum, draws, np.random.default_rng(0))

    pairs = [(seconds(theirs) / 12 * draws, seconds(ours)) for _ in range(rounds)]
    bfgs, newton = np.median(pairs, axis=0)
    weights = run_weights(stratum, draws, np.random.default_rng(0))
    found = problem.value(bootstrap(problem, theta, run, stratum, draws, np.random.default_rng(0)).theta, weights)
    warm = minimise(problem, np.broadcast_to(theta, (draws, 5)), weights, RESAMPLE).value
    eight = spread_starts(problem)[:8]
    best = np.minimum.reduce(
        [minimise(problem, np.broadcast_to(s, (draws, 5)), weights, RESAMPLE).value for s in eight]
    )
    best = np.minimum(best, np.minimum(found, warm))
    at_best, warm_at_best = (np.mean(value <= best * (1 + 1e-8)) for value in (found, warm))
    return [
        f"| {draws:,} bootstrap refits, 240 rows | {bfgs:.0f} s (12 BFGS refits a round timed) | {newton:.2f} s | "
        f"{np.median([b / n for b, n in pairs]):,.0f} | 100 |",
        f"\nOf the {draws:,} refits {at_best:.3%} are at the best of eight starts to 1e-8; from the warm "
        f"start alone {warm_at_best:.3%}.",
    ]


def other_package(data: Observations, rounds: int) -> list[str]:
    try:
        import polars as pl
        import simple_scaling_laws
    except ImportError:
        return ["| per refit, simple-scaling-laws 0.2.0 | not installed | | | 5 |", ""]
    frame = pl.DataFrame(
        {
            "training_run_id": list(data.run_id),
            "test_set_id": ["all"] * len(data),
            "model_size__n_params": data.N,
            "dataset_size__tokens": data.D,
            "test_loss__ce": data.loss,
        }
    )

    def theirs(draws: int) -> float:
        return seconds(lambda: simple_scaling_laws.fit(frame, law="separable-power", n_draws=draws, seed=0))

    def ours(draws: int) -> float:
        return seconds(lambda: fit_parametric(data, draws=draws))

    theirs(50), ours(50)
    # The marginal cost of a refit: what 400 more take, over 400.
    pairs = [((theirs(500) - theirs(100)) / 400, (ours(4100) - ours(100)) / 4000) for _ in range(rounds)]
    them, us = np.median(pairs, axis=0)
    return [
        f"| one more refit in a whole fit, against simple-scaling-laws 0.2.0 | {1e3 * them:.2f} ms (least squares, "
        f"warm start) | {1e3 * us:.2f} ms (Huber, two starts) | {np.median([t / u for t, u in pairs]):.1f} | 5 |",
        "",
    ]


def large_table(rows: int, draws: int) -> list[str]:
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 10, rows), 10 ** rng.uniform(9, 12, rows)
    loss = (1.8172 + 482.01 * N**-0.3478 + 2085.43 * D**-0.3658) * np.exp(0.005 * rng.standard_normal(rows))
    C = 6.0 * N * D
    data = Observations(
        N=N, D=D, C=C, loss=loss, budget=np.full(rows, np.nan), run_id=tuple(f"run-{i}" for i in range(rows)),
        is_final=np.ones(rows, dtype=bool), row=np.arange(1, rows + 1), rows_read=rows,
    )  # fmt: skip
    made: list[ParametricFit] = []
    took = float(np.median([seconds(lambda: made.append(fit_parametric(data, draws=draws))) for _ in range(3)]))
    fit = made[-1]
    (low, high), drawn = fit.intervals["alpha"], fit.draw_counts
    return [
        f"| {rows:,} rows, fit with {draws:,} draws | | {took:.2f} s | | 2 s |",
        f"\nLarge table: draws by {drawn.method}, {drawn.checked} of them refitted to all rows, {drawn.moved} "
        f"off by more than .1 sd; alpha {float(fit.law.alpha):.5f} "
        f"({low:.5f} to {high:.5f}), truth .3478. Included: everything from the table of observations to the fit with "
        "intervals, verdicts and residuals; not included: reading the file.",
    ]


def command_line(data: Observations, draws: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["params", "tokens", "loss"])
            writer.writerows(zip(data.N.tolist(), data.D.tolist(), data.loss.tolist(), strict=True))
        command = [sys.executable, "-m", "isoflop", "fit", str(path), "--json", "--draws", str(draws)]
        walls, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            walls.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 3
    took = float(np.median(walls))
    return [
        f"| `isoflop fit FILE --json`, {draws:,} draws, 240 rows, import included | | {took:.2f} s wall, "
        f"{cpu:.2f} s CPU | | 4 s wall |"
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    data = read_observations(given.file)
    keep = np.ones(len(data), dtype=bool)
    keep[np.argsort(-data.loss)[:5]] = False
    data = data.select(keep, "one of the five highest losses")
    parts = [
        single_fit(data, given.rounds),
        refits(data, given.rounds, 4000),
        other_package(data, given.rounds),
        large_table(100_000, 4000),
        [*command_line(data, 4000), ""],
    ]
    print("# Speed of approach 3\n")
    print("`python bench/fit/speed.py svg_extracted_data.csv`\n")
    print(f"{machine()}. CPU seconds, medians over {given.rounds} rounds in which both sides took turns.\n")
    print("| what | reference | isoflop | ratio, median of rounds | goal |\n|---|---|---|---|---|")
    print("\n".join(part[0] for part in parts))
    print("\n".join(part[1] for part in parts if part[1]))


if __name__ == "__main__":
    main()
