"""Which rows are one cell and one run: what each rule does to the answer, on tables from a known law.

    python bench/fit/cells.py > bench/fit/cells.md

Tables are read and fitted as `isoflop fit` does, with 300 draws; beside that stand the rules that were not taken. Run
errors are multiplicative, one a run; noise is one a row. Coverage is of nominal 90 % intervals; the standard error of a
share near .90 is .03 with 100 tables.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from isoflop.errors import RefusedError  # noqa: E402
from isoflop.fit import fit_parametric  # noqa: E402
from isoflop.fit.forms.repeated import fit_repeated  # noqa: E402
from isoflop.laws import ChinchillaLaw, RepeatedLaw, published_law, repeated_loss  # noqa: E402
from isoflop.laws.repeated import R_PARAMS, R_TOKENS  # noqa: E402
from isoflop.observations import Observations  # noqa: E402

LAW = published_law("besiroglu2024")
FRESH = published_law("muennighoff2023")
ALL_COUNT = 1e9  # R_N*, so large that no parameter is discounted: what is left is what repeated tokens do
NAMES = ("alpha", "beta", "a", "ln N_opt at 10x")
DRAWS = 300
Make = Callable[[int], Observations]


def asked(law: Any, flops: float) -> np.ndarray:
    """alpha, beta, a and ln N_opt at 10 times `flops`, each a number or draws."""
    return np.stack([np.asarray(v) for v in (law.alpha, law.beta, law.a, np.log(law.optimum(10 * flops)[0]))])


def tried(make: Make, tables: int) -> tuple[str, np.ndarray, np.ndarray]:
    """(units drawn, share of 90 % intervals that hold the truth, mean width) over `tables` tables."""
    held, widths, units = np.zeros(4), np.zeros(4), dict[str, int]()
    done = 0
    for seed in range(tables):
        data = make(seed)
        try:
            fit = fit_parametric(data, draws=DRAWS, seed=seed)
        except RefusedError:
            continue
        done += 1
        flops = float(data.C.max())
        low, high = np.quantile(asked(fit.draws, flops), [0.05, 0.95], axis=1)
        truth = asked(LAW, flops)
        held, widths = held + ((low <= truth) & (truth <= high)), widths + (high - low)
        unit = fit.draw_counts.unit
        units[unit] = units.get(unit, 0) + 1
    shown = ", ".join(f"{unit} {count}" for unit, count in sorted(units.items()))
    return shown, held / done, widths / done


def design(sizes: int, lengths: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, D): the same lengths for all (`grid`), the same D / N (`ratio`), or equal steps of one long run (`steps`)."""
    N = np.repeat(np.geomspace(5e7, 5e9, sizes), lengths)
    if kind == "grid":
        return N, np.tile(np.geomspace(2e9, 2e11, lengths), sizes)
    if kind == "ratio":
        return N, N * np.tile(np.geomspace(5, 200, lengths), sizes)
    return N, np.tile(2e11 * np.arange(1, lengths + 1) / lengths, sizes)


def curves(sizes: int, lengths: int, kind: str, run_sd: float, noise: float, ids: str = "") -> Make:
    """Tables of rows of `sizes` runs; `ids` is "" for none, `run` for theirs, `row` for one a row."""
    N, D = design(sizes, lengths, kind)
    run = np.repeat(np.arange(sizes), lengths)
    names = {"": None, "run": [f"r{i}" for i in run], "row": [f"r{i}" for i in range(len(N))]}[ids]

    def make(seed: int) -> Observations:
        rng = np.random.default_rng(seed)
        off = rng.normal(0, run_sd, sizes)[run] + rng.normal(0, noise, len(N))
        return Observations.from_arrays(N=N, D=D, loss=LAW.loss(N, D) * np.exp(off), run_id=names)

    return make


def replicates(times: int, best: bool) -> Make:
    """Tables of a 6 x 6 grid, `times` runs a cell that nothing tells apart; or the best of each."""
    N, D = (np.repeat(column, times) for column in design(6, 6, "ratio"))

    def make(seed: int) -> Observations:
        loss = LAW.loss(N, D) * np.exp(np.random.default_rng(seed).normal(0, 0.005, len(N)))
        if not best:
            return Observations.from_arrays(N=N, D=D, loss=loss)
        return Observations.from_arrays(N=N[::times], D=D[::times], loss=loss.reshape(-1, times).min(axis=1))

    return make


def bias(make: Make, tables: int) -> float:
    """Mean error of the fitted loss at 10 times the largest compute, on the true frontier."""
    errors = []
    for seed in range(tables):
        data = make(seed)
        N, D = LAW.optimum(10 * float(data.C.max()))
        errors.append(float(fit_parametric(data, draws=0).law.loss(N, D) / LAW.loss(N, D)) - 1)
    return float(np.mean(errors))


def repeating(seed: int, R_params: float, noise: float = 0.003) -> Observations:
    """8 x 8 runs of text of 1, 4 and 100 billion different tokens."""
    N, D = (column.ravel() for column in np.meshgrid(np.geomspace(5e7, 3e9, 8), np.geomspace(1e9, 6e10, 8)))
    N, D, U = np.tile(N, 3), np.tile(D, 3), np.repeat([1e9, 4e9, 1e11], 64)
    loss = repeated_loss(FRESH, N, D, U, R_TOKENS, R_params) * np.exp(
        np.random.default_rng(seed).normal(0, noise, len(N))
    )
    rows = [dict(zip(("N", "D", "loss", "unique_tokens"), row, strict=True)) for row in zip(N, D, loss, U, strict=True)]
    return Observations.from_rows(rows)


def repeated_table(tables: int) -> None:
    """What rows of repeated text do to the constants: all rows, those of four epochs and fewer, those of one."""
    print("\n## Text read again\n")
    print(
        "192 runs of 1, 4 and 100 billion different tokens, up to 60 epochs, .3 % noise, from the law of Muennighoff "
        "et al. 2023 without its discount of parameters. Mean over the tables; the last column is the error of the "
        "loss of fresh text at 10 times the largest compute.\n"
    )
    print("| rows | number | alpha | beta | a | loss |\n|---|---|---|---|---|---|")
    for name, most in (("all", np.inf), ("at most 4 epochs", 4.001), ("at most 2", 2.001), ("at most 1", 1.001)):
        found, count = [], 0
        for seed in range(tables):
            data = repeating(seed, ALL_COUNT)
            kept = data.select(most * data.unique_tokens >= data.D)
            law = fit_parametric(
                Observations.from_arrays(N=kept.N, D=kept.D, loss=kept.loss, keep_all=True), draws=0
            ).law
            N, D = FRESH.optimum(10 * float(data.C.max()))
            error = float(law.loss(N, D) / FRESH.loss(N, D)) - 1
            found.append([law.alpha, law.beta, law.a, error])
            count = len(kept)
        alpha, beta, a, error = np.mean(found, axis=0)
        print(f"| {name} | {count} | {alpha:.3f} | {beta:.3f} | {a:.3f} | {error:+.2%} |")
    print(f"| the law | | {FRESH.alpha:.3f} | {FRESH.beta:.3f} | {float(FRESH.a):.3f} | |")
    found = []
    for seed in range(tables):
        data = repeating(seed, R_PARAMS)
        start = fit_parametric(data, draws=0).law
        assert isinstance(start, ChinchillaLaw)
        law = fit_repeated(data, start, 1e-3).law
        assert isinstance(law, RepeatedLaw)
        found.append([float(law.R_tokens), float(law.R_params), float(law.fresh.alpha), float(law.fresh.beta)])
    means, sds = np.mean(found, axis=0), np.std(found, axis=0)
    print(
        f"\nThe form of repeated tokens on all rows, parameters discounted too: R_D* {means[0]:.1f} +- {sds[0]:.1f} "
        f"(15.4), R_N* {means[1]:.1f} +- {sds[1]:.1f} (5.3), alpha {means[2]:.3f} and beta {means[3]:.3f}."
    )


def coverage_table(title: str, cases: list[tuple[str, Make]], tables: int) -> None:
    """A table of coverage, one row a case."""
    print(f"\n## {title}\n")
    print(f"| table | drawn | {' | '.join(NAMES)} | mean width of a |\n|{'---|' * 7}")
    for name, make in cases:
        units, held, widths = tried(make, tables)
        print(f"| {name} | {units} | {' | '.join(f'{share:.3f}' for share in held)} | {widths[2]:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=200)
    tables = parser.parse_args().tables
    print("# Which rows are one cell, and which one run\n")
    print(f"`python bench/fit/cells.py --tables {tables}`; nominal 90 %, {DRAWS} draws.")
    coverage_table(
        "Replicates: a 6 x 6 grid, .5 % noise",
        [(f"{times} a cell, {name}", replicates(times, best))
         for times in (3, 5) for name, best in (("all", False), ("the best of each", True))],
        tables,
    )  # fmt: skip
    print("\nBias of the loss at 10 times the largest compute: "
          + ", ".join(f"{name} of 5 {bias(replicates(5, best), tables):+.2%}"
                      for name, best in (("all", False), ("best", True))) + ".")  # fmt: skip
    shapes = [(8, 8, "grid"), (8, 8, "ratio"), (12, 6, "grid"), (8, 20, "steps"), (5, 8, "ratio"), (6, 8, "grid")]
    errors = [("independent, .5 %", 0.0, 0.005), ("runs .5 %, rows .05 %", 0.005, 0.0005),
              ("runs .25 %, rows .25 %", 0.0025, 0.0025)]  # fmt: skip
    coverage_table(
        "No run ids: sizes x token counts",
        [(f"{sizes} x {lengths} {kind}: {name}", curves(sizes, lengths, kind, *sds))
         for name, *sds in errors for sizes, lengths, kind in shapes],
        tables,
    )  # fmt: skip
    coverage_table(
        "The same drawn by row throughout (each row named as a run), which was not taken",
        [(f"{sizes} x {lengths} {kind}: {name}", curves(sizes, lengths, kind, *sds, "row"))
         for name, *sds in errors[:2] for sizes, lengths, kind in shapes[:4]],
        tables,
    )  # fmt: skip
    coverage_table(
        "Named runs, few of them: runs .5 %, rows .05 %",
        [(f"{runs} runs of {lengths} rows, {kind}", curves(runs, lengths, kind, 0.005, 0.0005, "run"))
         for runs, lengths, kind in ((3, 12, "steps"), (4, 12, "steps"), (5, 12, "steps"), (6, 8, "grid"),
                                     (7, 8, "ratio"), (8, 8, "ratio"))],
        tables,
    )  # fmt: skip
    repeated_table(min(tables, 30))


if __name__ == "__main__":
    main()
