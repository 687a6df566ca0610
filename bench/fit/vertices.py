"""python bench/fit/vertices.py [--sweeps 200]: approach 2 on made-up sweeps; writes bench/fit/vertices.md.

Bias without noise, and the error and its interval with noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit import IsoflopFit, fit_isoflop
from isoflop.fit.isoflop.asymmetry import PRIOR_ASYMMETRY
from isoflop.fit.isoflop.profile import WINDOW
from isoflop.laws import ChinchillaLaw
from isoflop.laws.tradeoffs import wasted_compute
from isoflop.observations import Observations

TRUTHS = {
    "besiroglu": ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658),
    "hoffmann": ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28),
    "asym": ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155),
}
KINDS = ("parabola", "cubic")
HEADINGS = {"parabola": "parabola through all sizes", "cubic": f"window {WINDOW:g}, shared asymmetry (default)"}


def sweep(
    law: ChinchillaLaw,
    rng: np.random.Generator,
    *,
    budgets: int = 5,
    sizes: int = 8,
    span: float = 4.0,
    noise: float = 0.005,
    off: float = 0.0,
    drift: float = 1.0,
    low: float = 1e18,
    bend: float = 0.0,
) -> Observations:
    """Sizes within a factor `span` of each budget's optimum, their middle off by a normal of `off` in ln N, moving to
    `drift` times the optimum at the last budget; `bend` (ln C)^2 is added to ln N of every run at unchanged losses."""
    columns: dict[str, list[np.ndarray]] = {"N": [], "D": [], "C": [], "loss": [], "budget": []}
    for i, C in enumerate(np.geomspace(low, 1e21, budgets)):
        middle = float(law.optimum(C)[0]) * drift ** (i / (budgets - 1)) * np.exp(rng.normal(0, off))
        N = np.geomspace(middle / span, middle * span, sizes)
        loss = np.asarray(law.loss(N, C / 6 / N)) * np.exp(rng.normal(0, noise, sizes))
        moved = N * np.exp(bend * np.log(C / np.sqrt(low * 1e21)) ** 2)
        for name, values in (("N", moved), ("D", C / 6 / moved), ("loss", loss)):
            columns[name].append(values)
        columns["C"].append(np.full(sizes, C))
        columns["budget"].append(np.full(sizes, C))
    return Observations.from_arrays(**{name: np.concatenate(values) for name, values in columns.items()})


def table(headings: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(headings) + " |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def biases() -> Iterator[str]:
    """D_opt at 1e24 from noise-free sweeps of five budgets 1e17 to 1e21, 15 sizes."""
    yield "## Without noise: error of D_opt at 1e24, and the compute that it wastes\n"
    yield "Five budgets 1e17 to 1e21, 15 sizes each. `drift`: the middle of the sizes moves from the optimum at the"
    yield "first budget to that many times the optimum at the last.\n"
    rows = []
    for name, law in TRUTHS.items():
        for span in (4.0, 8.0, 16.0):
            for drift in (1.0, 3.0, 1 / 3):
                data = sweep(law, np.random.default_rng(0), sizes=15, span=span, noise=0.0, drift=drift, low=1e17)
                row = [name, f"±{span:g}x", "none" if drift == 1 else f"{drift:.2g}"]
                for kind in KINDS:
                    fit = fit_isoflop(data, draws=0, vertices=kind)
                    off = float(fit.law.tokens_coefficient * 1e24**fit.law.b) / float(law.optimum(1e24)[1])
                    row.append(f"{off - 1:+.1%} ({float(wasted_compute(law, off)):.3%})")
                rows.append(row)
    yield from table(["truth", "sizes", "drift", *(HEADINGS[kind] for kind in KINDS)], rows)


def delta_se(fit: IsoflopFit, C: float) -> float:
    """Standard error of ln N_opt(C) that the vertices' own errors promise, to first order."""
    t = np.log([optimum.flops for optimum in fit.optima])
    weights = 1 / len(t) + (np.log(C) - t.mean()) * (t - t.mean()) / np.sum((t - t.mean()) ** 2)
    own = np.linalg.norm(weights * [optimum.log_params_se for optimum in fit.optima])
    return float(np.hypot(own, weights @ [optimum.asymmetry_se for optimum in fit.optima]))


DESIGNS: dict[str, dict[str, float]] = {
    "5x8 ±2x": {"span": 2.0},
    "5x8 ±4x": {},
    "5x8 ±8x": {"span": 8.0},
    "5x8 ±4x, noise .1 %": {"noise": 0.001},
    "5x8 ±4x, centres off by .5 in ln N": {"off": 0.5},
    "5x8 ±4x, drift to 1/3": {"drift": 1 / 3},
    "5x15 ±16x": {"sizes": 15, "span": 16.0},
    "4x5 ±4x": {"budgets": 4, "sizes": 5},
}


def errors(sweeps: int) -> Iterator[str]:
    """ln N_opt(1e23) and a against the truth."""
    yield f"## With noise: ln N_opt at 1e23, 100 times the largest budget ({sweeps} sweeps each)\n"
    yield "Budgets 1e18 to 1e21, noise .5 % where not said. `sd` is the error's, `said` the mean standard deviation of"
    yield "the draws, `delta` the median of what the vertices' own errors promise to first order, `covers` how often"
    yield "the 90 % interval holds the truth, for ln N_opt(1e23) and for a.\n"
    rows = []
    for name, law in TRUTHS.items():
        truth = float(np.log(law.optimum(1e23)[0]))
        a = law.beta / (law.alpha + law.beta)
        for label, design in DESIGNS.items():
            for kind in KINDS:
                off, said, promised, inside, refused = [], [], [], [], 0
                for seed in range(sweeps):
                    data = sweep(law, np.random.default_rng(seed), **design)  # type: ignore[arg-type]
                    try:
                        fit = fit_isoflop(data, draws=400, vertices=kind)
                    except RefusedError:
                        refused += 1
                        continue
                    off.append(float(np.log(fit.optimum(1e23)[0])) - truth)
                    drawn = np.log(fit.draws.optimum(1e23)[0])
                    said.append(float(np.std(drawn)))
                    promised.append(delta_se(fit, 1e23))
                    low, high = np.quantile(drawn, [0.05, 0.95])
                    inside.append((low <= truth <= high, fit.intervals["a"][0] <= a <= fit.intervals["a"][1]))
                cover = np.mean(inside, axis=0)
                numbers = [
                    np.mean(off),
                    np.std(off),
                    np.sqrt(np.mean(np.square(off))),
                    np.mean(said),
                    np.mean(promised),
                ]
                shown = [f"{numbers[0]:+.3f}", *(f"{number:.3f}" for number in numbers[1:])]
                rows.append([name, label, kind, *shown, *(f"{share:.2f}" for share in cover), str(refused)])
    headings = [
        "truth",
        "design",
        "vertices",
        "bias",
        "sd",
        "rms error",
        "said",
        "delta",
        "covers ln N",
        "covers a",
        "refused",
    ]
    yield from table(headings, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    parts: list[Callable[[], Iterator[str]]] = [
        biases,
        lambda: errors(arguments.sweeps),
    ]
    lines = [
        "# Vertices of approach 2 on made-up sweeps\n",
        f"`python bench/fit/vertices.py --sweeps {arguments.sweeps}`",
    ]
    lines += ["", f"Truths: {', '.join(TRUTHS)}; prior sd of the shared asymmetry {PRIOR_ASYMMETRY:g}.\n"]
    for part in parts:
        lines += list(part())
    arguments.out.write_text("\n".join(lines).rstrip() + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
