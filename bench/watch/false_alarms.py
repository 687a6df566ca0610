"""How often `isoflop watch` is wrong about right runs, every look of a whole run counted, and how soon it finds others.

    python bench/watch/false_alarms.py DATA [STUDY ...] > bench/watch/false_alarms.md

DATA is the folder of the public tables (optimizer_runs and ladder_curves of it); a STUDY is one of our own. Recipes of
optimizer_runs are halved by their order: the threshold was chosen on the first half, and holds on the second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from made_up_runs import KINDS, WRONG, Kind, after_restart, changed, plain_curve, with_spikes

from isoflop.logs import LoggedRun, LogOptions, read_logs
from isoflop.watch import Curve, WatchOptions
from isoflop.watch.course import SMOOTH, course_of_repeats
from isoflop.watch.curves import read_curves
from isoflop.watch.judged import judge_run
from isoflop.watch.looks import looks_of
from isoflop.watch.references import references
from isoflop.watch.sequential import THRESHOLD, sequential_test
from isoflop.watch.verdict import FIRST_SHARE, Judgement, judge

SIZES = {"190M-*": 190_354_176, "370M-*": 371_262_464, "760M-*": 758_220_288, "1B-*": 1_279_395_840}
"""Parameters of the ladder, as its authors count them."""
OFF = ("above", "below", "off_shape", "diverging")
DRAWS = 60


@dataclass
class Count:
    """Runs of one kind, and those of them that rang."""

    runs: int = 0
    rang: int = 0

    def add(self, ring: bool) -> None:
        self.runs += 1
        self.rang += ring

    def __str__(self) -> str:
        low, high = wilson(self.rang, self.runs)
        return f"{self.rang} of {self.runs}: {self.rang / max(self.runs, 1):.1%} ({low:.1%} to {high:.1%})"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of Wilson of a share."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def first_off(judgement: Judgement, words: Sequence[str] = OFF) -> float:
    """Share at which the run was first called off course; infinite where it never was."""
    return next((change.share for change in judgement.history if change.verdict in words), np.inf)


# --- runs of others ---------------------------------------------------------------------------------------------------


def recipes(data: Path) -> dict[str, list[Curve]]:
    """{recipe and horizon: curves of its seeds}, those of a recipe with another run at least."""
    found: dict[str, list[Curve]] = {}
    for run in read_logs(data / "optimizer_runs"):
        series = run.evaluations["loss"]
        at = series.steps > 0
        key = f"{run.settings['recipe']}, {run.planned_steps:.0f} steps"
        curve = plain_curve(run.name, series.steps[at], series.values[at], float(run.planned_steps or 0))
        found.setdefault(key, []).append(curve)
    return {key: curves for key, curves in sorted(found.items()) if len(curves) > 1}


def copies(first: Curve, second: Curve) -> bool:
    """Whether two logs are of one run: equal at every step that both have."""
    both = np.intersect1d(first.tokens, second.tokens)
    return bool(len(both)) and np.array_equal(
        first.loss[np.isin(first.tokens, both)], second.loss[np.isin(second.tokens, both)]
    )


@dataclass
class Seeds:
    """One seed left out of its recipe, in turn, the others as reference."""

    right: Count
    one_per_cent: Count
    three_per_mille: Count
    delays: dict[float, list[float]]


def left_out(groups: Iterable[list[Curve]], threshold: float) -> Seeds:
    found = Seeds(right=Count(), one_per_cent=Count(), three_per_mille=Count(), delays={0.01: [], 0.003: []})
    for curves in groups:
        for run in curves:
            like = [other for other in curves if other is not run and not copies(run, other)]
            if not like or run.share[0] > FIRST_SHARE:
                continue
            found.right.add(rings_at(run, like, threshold) < np.inf)
            for size, count, until in ((0.01, found.one_per_cent, 0.3), (0.003, found.three_per_mille, 0.6)):
                at = rings_at(changed(run, np.log1p(size)), like, threshold)
                count.add(at < until)
                found.delays[size].append(at)
    return found


def rings_at(run: Curve, like: Sequence[Curve], threshold: float) -> float:
    """Share at which the sequential test calls the run off course, at any threshold."""
    looks = looks_of(run)
    first = int(np.searchsorted(looks.known_at, FIRST_SHARE))
    course = course_of_repeats(like, looks.share)
    test = sequential_test(looks.log_loss, course, first=first, threshold=threshold)
    off = np.flatnonzero((test.level_off != 0) | (test.change_off != 0))
    return float(looks.known_at[off[0]]) if len(off) else np.inf


def held_against_each_other(runs: Sequence[LoggedRun], changes: Sequence[float]) -> dict[float, tuple[Count, Count]]:
    """{change of ln(loss) from a fifth on: (off course at any time, spiking)} of finished runs, each by the others."""
    found = {change: (Count(), Count()) for change in changes}
    for run in runs:
        curves = read_curves(run, [other for other in runs if other is not run], WatchOptions())
        if run.ended is False or not references(curves.run, curves.like):
            continue
        for change, (off, spiking) in found.items():
            seen = changed(curves.run, change)
            judgement = judge_run(run, seen, curves.like, forecast=None, band=None)
            off.add(first_off(judgement) < np.inf)
            spiking.add(first_off(judgement, ("spiking",)) < np.inf)
    return found


# --- made-up runs -----------------------------------------------------------------------------------------------------


REFERENCES = (1, 3, 8)


def made_up(kind: Kind, references_: int, draws: int, befalls: Callable[[Curve], Curve] = lambda run: run) -> Count:
    """Right runs of a kind, to which something befalls, by so many others of their kind."""
    rng, count = np.random.default_rng(1), Count()
    for _ in range(draws):
        like = [kind.draw(rng) for _ in range(references_)]
        count.add(first_off(judge(befalls(kind.draw(rng)), partial(course_of_repeats, like))) < np.inf)
    return count


def worst_of_correlations(threshold: float, draws: int = 10_000) -> float:
    """Share of series of 45 looks in which one test rings, at the worst correlation of looks in time."""
    rng, worst = np.random.default_rng(0), 0.0
    for correlation in (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 1.0):
        z = rng.standard_normal((draws, 45))
        for k in range(1, 45):
            z[:, k] = correlation * z[:, k - 1] + np.sqrt(1 - correlation**2) * z[:, k]
        medians = np.median(np.lib.stride_tricks.sliding_window_view(z, SMOOTH, axis=1), axis=2)
        rang = (np.abs(medians) > threshold * medians.std()).any(axis=1)
        for side in (z, -z):
            rang |= (np.minimum(side[:, 1:], side[:, :-1]) > threshold).any(axis=1)
        worst = max(worst, float(rang.mean()))
    return worst


# --- the page ---------------------------------------------------------------------------------------------------------


def median_share(values: Sequence[float]) -> str:
    return f"{np.median(values):.0%} of the schedule" if np.isfinite(np.median(values)) else "never"


def print_theory() -> None:
    print("## The threshold\n")
    print(
        "One test rings when two looks in a row or the median of five lie beyond it. Of right runs of 45 looks it rings"
    )
    print("in at most so many, at the worst correlation of looks in time:\n")
    print("| standard deviations | one test | both tests, at most |\n|---|---|---|")
    for threshold in (2.8, 3.0, 3.3, 3.5):
        worst = worst_of_correlations(threshold)
        print(f"| {threshold} | {worst:.1%} | {2 * worst:.1%} |")
    print(f"\n{THRESHOLD:g} is used.\n")


def print_public(data: Path) -> None:
    groups = list(recipes(data).values())
    print("## Public recipes, one seed left out\n")
    print("| recipes | threshold | false alarms | +1 % found by 30 % | +.3 % found by 60 % |\n|---|---|---|---|---|")
    for name, half in (("first half", groups[0::2]), ("second half", groups[1::2])):
        for threshold in (3.0, THRESHOLD, 3.6) if name == "first half" else (THRESHOLD,):
            found = left_out(half, threshold)
            print(
                f"| {name} | {threshold} | {found.right} | {found.one_per_cent} | {found.three_per_mille} |", flush=True
            )
    one, three = (median_share(found.delays[size]) for size in (0.01, 0.003))
    print(f"\nMedian share at which the second half's changes are found: {one} for +1 %, {three} for +.3 %.\n")


def print_held(name: str, runs: Sequence[LoggedRun], changes: Sequence[float]) -> None:
    for change, (off, spiking) in held_against_each_other(runs, changes).items():
        what = "right" if change == 0 else f"{np.expm1(change):+.0%} from 20 % on"
        print(f"| {name} | {what} | {off} | {spiking} |", flush=True)


def print_made_up(draws: int) -> None:
    print("\n## Made-up runs\n")
    print("False alarms over a whole run, by the number of finished runs that it is held against:\n")
    print("| right runs | " + " | ".join(str(count) for count in REFERENCES) + " |\n|---|" + "---|" * len(REFERENCES))
    right = {name: (kind, lambda run: run) for name, kind in KINDS.items()}
    right["with four spikes"] = (Kind(), with_spikes)
    right["a restart"] = (Kind(), after_restart)
    right["WSD, before its decay and in it"] = (Kind(wsd=True), lambda run: run)
    total = Count()
    for name, (kind, befalls) in right.items():
        cells = [made_up(kind, count, draws, befalls) for count in REFERENCES]
        total.runs, total.rang = total.runs + sum(c.runs for c in cells), total.rang + sum(c.rang for c in cells)
        print(f"| {name} | " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
    print(f"\nAll together: {total}.\n")
    print("What is wrong, with eight finished runs of .04 %:\n")
    print("| what befalls the run | found | first word | median share when found |\n|---|---|---|---|")
    for name, befalls in WRONG.items():
        rng, found, words = np.random.default_rng(2), [], []
        for _ in range(draws):
            like = [Kind().draw(rng) for _ in range(8)]
            judgement = judge(befalls(Kind().draw(rng)), partial(course_of_repeats, like))
            found.append(first_off(judgement))
            words.extend(change.verdict for change in judgement.history if change.share == found[-1])
        hits = Count(runs=len(found), rang=int(np.isfinite(found).sum()))
        usual = max(set(words), key=words.count) if words else "none"
        print(f"| {name} | {hits} | `{usual}` | {median_share(found)} |", flush=True)


def main(data: Path, studies: Sequence[Path]) -> None:
    started = time.process_time()
    print("# False alarms of `isoflop watch`, and what it finds\n")
    print(
        "`python bench/watch/false_alarms.py DATA STUDY STUDY > bench/watch/false_alarms.md`. Every look of a whole run"
    )
    print(
        "counts: a run rings that is called above, below, off shape or diverging at any time. Intervals are of 95 %.\n"
    )
    print_theory()
    print_public(data)
    print("## Finished runs held against the others of their family\n")
    print("By the shape alone, without a forecast; the same runs with a change put in.\n")
    print("| runs | what befell them | off course | spiking at some time |\n|---|---|---|---|")
    print_held("ladder, 190M to 1B", read_logs(data / "ladder_curves", LogOptions(params=SIZES)), (0.0, 0.01, 0.03))
    for number, study in enumerate(studies):
        print_held(f"our study {number}", read_logs(study / "runs"), (0.0, 0.05))
    print_made_up(DRAWS)
    print(f"\n{time.process_time() - started:.0f} s of one core.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
