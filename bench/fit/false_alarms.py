"""How often each alarm of a fit rings where nothing is wrong, and where something is.

    python bench/fit/false_alarms.py --tables 400

Made-up sweeps of E + A / N^alpha + B / D^beta with published constants and normal noise of ln loss; then sweeps in
which something is wrong: the frontier bends, the surface is of another form, one schedule serves all horizons, rows
diverged. Every alarm is asked of the function that rings it, without the forecasts of a whole fit.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from made_up_sweeps import ASYM, BESIROGLU, HOFFMANN, Sweep, coupled, crossed

from isoflop.errors import Notice, RefusedError
from isoflop.files import write_bytes_atomically
from isoflop.fit.diverged import without_diverged
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.lack_of_fit import lack_of_fit
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.fit.schedule_checks import decay_notices
from isoflop.observations import Observations

ALARMS = (
    "frontier_bends",
    "lack_of_fit",
    "few_rows_decide",
    "schedule_mismatch",
    "diverged_rows",
    "far_from_law",
    "centre_drifts",
    "vertex_near_end",
    "budgets_left_out",
    "few_starts_at_best",
    "gradient_not_zero",
    "degenerate_resamples",
)
"""Codes that the noise decides: of a right table they are false. The others follow from the design, or say how wide an
interval is."""
OF_DESIGN = frozenset({"centre_drifts", "vertex_near_end", "budgets_left_out"})
"""Alarms about where the sizes lie: they are false only where every budget's sizes are centred on its optimum."""
OF_BUDGETS = OF_DESIGN | {"frontier_bends"}
"""Alarms that scattered runs cannot ring."""
DRAWS = 80  # resamples, for the interval that few_rows_decide compares with


def guide(seed: int) -> Observations:
    """The example of docs/fitting.md with another seed."""
    rng = np.random.default_rng(seed)
    times = np.array([0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4])
    C = np.repeat([1e18, 3e18, 1e19, 3e19, 1e20], len(times))
    N = BESIROGLU.optimum(C)[0] * np.tile(times, 5)
    N, D = N.round(), (C / (6 * N)).round()
    return Observations.from_arrays(N=N, D=D, loss=BESIROGLU.loss(N, D) * (1 + 0.004 * rng.normal(size=len(N))))


Table = Callable[[int], Observations]


def right() -> dict[str, Table]:
    """{condition: the table of a seed} of sweeps in which nothing is wrong."""
    return {
        "the guide's example, 5 x 9, .4 %": guide,
        "4 x 5": Sweep(budgets=4, sizes=5).table,
        "5 x 6, 1 %": Sweep(sizes=6, noise=0.01).table,
        "5 x 9, .1 %": Sweep(sizes=9, noise=0.001).table,
        "9 x 9, .05 %": Sweep(budgets=9, sizes=9, noise=0.0005).table,
        "7 x 7": Sweep(budgets=7, sizes=7).table,
        "5 x 8, Hoffmann et al., x/÷8": Sweep(law=HOFFMANN, span=8.0).table,
        "5 x 8, alpha three times beta": Sweep(law=ASYM).table,
        "5 x 8, centres off by .3, C by 2 %": Sweep(off_centre=0.3, flops_noise=0.02).table,
        "5 x 8, centres drift to half": Sweep(drift=0.5).table,
        "5 x 8, noise 3 times as large at small sizes": Sweep(uneven=True, noise=0.003).table,
        "5 x 8, no noise but 1e-9, centres off by .3": Sweep(noise=1e-9, off_centre=0.3).table,
        "5 x 8, no noise, 4 decimals, centres off by .3": Sweep(noise=0.0, decimals=4, off_centre=0.3).table,
        "30 scattered runs": Sweep(rows=30).table,
        "300 scattered runs, .1 %": Sweep(rows=300, noise=0.001).table,
        "20 scattered runs of 6 rows": Sweep(rows=20, checkpoints=6).table,
    }


def cut_short(seed: int) -> Observations:
    """Rows along runs of one cosine each: all but the last lie above a run that ends there, by 3 % at the start."""
    data = Sweep(rows=12, checkpoints=8, noise=0.003).table(seed)
    last = np.array([data.D[data.run_number == run].max() for run in data.run_number.tolist()])
    return replace(data, loss=data.loss * np.exp(0.03 * 0.5 * (1 + np.cos(np.pi * data.D / last))))


def diverged(seed: int) -> Observations:
    """Two of 40 losses half as high again."""
    data = Sweep().table(seed)
    bad = np.random.default_rng(seed).choice(len(data), 2, replace=False)
    return replace(data, loss=data.loss * np.where(np.isin(np.arange(len(data)), bad), 1.5, 1.0))


def wrong() -> dict[str, tuple[Table, str]]:
    """{condition: (the table of a seed, the alarm that is due)}."""
    bends = "frontier_bends"
    made: dict[str, tuple[Table, str]] = {
        f"5 x 8, {noise:.1%}, bend {bend:+g}": (Sweep(bend=bend, noise=noise).table, bends)
        for bend in (-0.01, -0.027, 0.01)
        for noise in (0.001, 0.005)
    }
    made |= {
        "9 x 9, .5 %, bend -0.01": (Sweep(budgets=9, sizes=9, bend=-0.01).table, bends),
        "coupled form, 5 x 6": (Sweep(sizes=6, surface=coupled).table, "lack_of_fit"),
        "coupled form, 5 x 9": (Sweep(sizes=9, surface=coupled).table, "lack_of_fit"),
        "coupled form, 9 x 15, x/÷8": (Sweep(budgets=9, sizes=15, span=8.0, surface=coupled).table, "lack_of_fit"),
        "coupled form, 5 x 9, .1 %": (Sweep(sizes=9, surface=coupled, noise=0.001).table, "lack_of_fit"),
        "product of logarithms, 5 x 6": (Sweep(sizes=6, surface=crossed).table, "lack_of_fit"),
        "12 cosines of 8 rows": (cut_short, "schedule_mismatch"),
        "two diverged runs of 40": (diverged, "diverged_rows"),
        "middle of the sizes drifts to a quarter": (Sweep(drift=0.25).table, "centre_drifts"),
    }
    return made


Part = Callable[[Observations], tuple[Notice, ...]]


def _lack(data: Observations) -> tuple[Notice, ...]:
    return lack_of_fit(data, FittedForms.of(data, 1e-3)).notices()


PARTS: dict[str, Part] = {
    "few_rows_decide": lambda data: fit_parametric(data, draws=DRAWS).notices,
    "lack_of_fit": _lack,
    "frontier_bends": lambda data: fit_isoflop(data, draws=0).notices,
    "centre_drifts": lambda data: fit_isoflop(data, draws=0).notices,
}
"""{alarm: the function that rings it}; those of reading and of diverged rows are asked in any case."""


CHEAP = ("lack_of_fit", "frontier_bends")
"""Alarms that need no resamples: they are asked of more tables."""


def rings(data: Observations, only: Sequence[str] = ()) -> set[str]:
    """The codes of all warnings that a fit of `data` gives, but those of its forecasts; with `only`, of these."""
    codes = set[str]()
    used, parts = data.finals().fresh(), [PARTS[name] for name in only if name in PARTS]
    if not parts:
        kept, far = without_diverged(data)
        codes = {notice.code for notice in (*decay_notices(data), *kept.notices, *far)}
        used, parts = kept.finals().fresh(), [] if only else list(PARTS.values())[:3]
    for part in parts:
        try:
            codes |= {notice.code for notice in part(used)}
        except RefusedError as error:
            codes.add(f"refused: {error.code}")
    # A bend of budgets that nobody stated is the same alarm with another consequence.
    return {"frontier_bends" if code == "frontier_may_bend" else code for code in codes}


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many tables rang each code."""

    hits: Counter[str]
    tables: Mapping[str, int]
    """{code: tables that were asked}, of the codes in CHEAP."""
    others: int
    """Tables that were asked for all other codes."""

    def of(self, code: str) -> tuple[int, int]:
        """(rings, tables)."""
        return self.hits[code], self.tables.get(code, self.others)

    def share(self, code: str) -> float:
        """Rings over tables."""
        hits, tables = self.of(code)
        return hits / tables


def counted(table: Table, tables: int, only: str | None = None) -> Counts:
    """The rings of tables of the first seeds: a quarter of them asked for everything, the others for CHEAP."""
    if only:
        hits = Counter(code for seed in range(tables) for code in rings(table(seed), [only]))
        return Counts(hits=hits, tables={only: tables}, others=tables)
    whole = max(1, tables // 4)
    hits = Counter(code for seed in range(whole) for code in rings(table(seed)))
    for seed in range(whole, tables):
        hits.update(rings(table(seed), CHEAP) & set(CHEAP))
    return Counts(hits=hits, tables=dict.fromkeys(CHEAP, tables), others=whole)


def interval(hits: int, tables: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, hits / tables
    centre = (share + z * z / (2 * tables)) / (1 + z * z / tables)
    half = z / (1 + z * z / tables) * np.sqrt(share * (1 - share) / tables + z * z / (4 * tables**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def right_counts(tables: int, part: int, parts: int) -> dict[str, Counts]:
    """{condition: its counts} of every condition whose number leaves `part` over `parts`."""
    return {name: counted(table, tables) for name, table in list(right().items())[part::parts]}


def due_counts(tables: int, part: int, parts: int) -> dict[str, tuple[int, int]]:
    """{condition: (rings, tables)} of the wrong ones, likewise."""
    cases = list(wrong().items())[part::parts]
    return {name: counted(table, tables, code).of(code) for name, (table, code) in cases}


def page(tables: int, found: Mapping[str, Counts], due: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    whole = max(1, tables // 4)
    yield "# False alarms of a fit\n"
    yield f"`python bench/fit/false_alarms.py --tables {tables}`: {tables} sweeps of each condition for `lack_of_fit`"
    yield f"and `frontier_bends`, {whole} for the others, which need resamples. Made from the right law, with normal"
    yield "noise of ln loss; .5 % where nothing else is stated. `frontier_bends` counts `frontier_may_bend` too.\n"
    yield "## Over all conditions\n"
    yield "| alarm | rings in | 95 % interval | most in one condition |\n|---|---|---|---|"
    for code in ALARMS:
        names = [name for name in right() if code not in OF_DESIGN or "centres" not in name]
        if code in OF_BUDGETS:
            names = [name for name in names if "scattered" not in name]
        hits, total = (sum(each) for each in zip(*(found[name].of(code) for name in names), strict=True))
        low, high = interval(hits, total)
        worst = max(names, key=lambda name: found[name].share(code))
        most = f"{percent(found[worst].share(code))} % ({worst})" if hits else "none"
        yield f"| `{code}` | {percent(hits / total)} % | {percent(low)} to {percent(high)} % | {most} |"
    yield "\n`centre_drifts`, `vertex_near_end` and `budgets_left_out` are about where the sizes lie: counted over the"
    yield "sweeps whose sizes are centred on the optimum. These and `frontier_bends` are counted over isoFLOP sweeps.\n"
    yield "## Each condition, % of the sweeps\n"
    shown = [code for code in ALARMS if any(each.hits[code] for each in found.values())]
    yield f"| condition | {' | '.join(f'`{code}`' for code in shown)} |\n|---|{'---|' * len(shown)}"
    for name in right():
        yield f"| {name} | {' | '.join(percent(found[name].share(code)) for code in shown)} |"
    yield "\n## What else is said of these sweeps, % of the sweeps\n"
    yield "Statements about the design, or the width of an interval; they are no tests.\n"
    yield "| condition | codes |\n|---|---|"
    for name in right():
        codes = sorted(set(found[name].hits) - set(ALARMS))
        yield f"| {name} | {', '.join(f'`{code}` {percent(found[name].share(code))}' for code in codes)} |"
    yield "\n## Where the alarm is due\n"
    yield "| condition | alarm | rings in | 95 % interval |\n|---|---|---|---|"
    for name, (_, code) in wrong().items():
        hits, total = due[name]
        low, high = interval(hits, total)
        yield f"| {name} | `{code}` | {percent(hits / total)} % | {percent(low)} to {percent(high)} % |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=400)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    tables, parts = arguments.tables, len(right())
    found, due = dict[str, Counts](), dict[str, tuple[int, int]]()
    with ProcessPoolExecutor(arguments.processes) as pool:
        jobs = [pool.submit(right_counts, tables, part, parts) for part in range(parts)]
        more = [pool.submit(due_counts, tables, part, parts) for part in range(parts)]
        for job in jobs:
            found |= job.result()
            print(list(found)[-1], flush=True)
        for job_due in more:
            due |= job_due.result()
    lines = list(page(tables, found, due))
    write_bytes_atomically(arguments.out, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
