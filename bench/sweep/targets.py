"""Whole adaptive sweeps of known laws: what they cost, what their plan wastes, how often their interval holds.

cd bench/sweep && python targets.py --sweeps 50 > targets.md
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import numpy as np
from truths import RIGHT, WRONG, Truth, candidates

from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.sweep.adaptive import Decision, Limits
from isoflop.sweep.adaptive.simulate import normal_noise, simulate

TARGET, NOISE, OFF = 1e23, 0.005, 0.4
"""FLOPs of the planned run; sd of ln loss; sd of ln N of the first guess."""
HEAD = """| truth | true waste | expected waste | sweep, of the target | most | runs | 90 % interval holds | ended by |
|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One sweep."""

    waste: float
    inside: bool
    end: Decision


def swept(truth: Truth, seed: int, *, tolerance: float, form: bool) -> Outcome:
    """A sweep with the noise and the guess of a seed, with the error of form of the fits or without any."""
    guess = truth.guess(np.random.default_rng(seed).normal(0, OFF))
    known = {} if form else {"bend": Bend(mean=0.0, sd=1e-5), "form_error": 0.0}
    limits = Limits(
        tolerance=tolerance,
        largest_run=TARGET / 16,
        tokens_per_param=(1e-9, 1e12),
        **known,  # type: ignore[arg-type]
    )
    sweep = simulate(
        truth.loss,
        normal_noise(seed, NOISE),
        candidates(guess, 1e17, TARGET / 16),
        guess,
        span=(1e17, 1e19),
        target_flops=TARGET,
        limits=limits,
    )
    low, high = np.log(sweep.end.params_interval)
    return Outcome(
        waste=truth.waste(sweep.end.params, TARGET),
        inside=bool(low <= truth.log_optimum(TARGET) <= high),
        end=sweep.end,
    )


def line(truth: Truth, outcomes: list[Outcome]) -> str:
    """A row of the table."""
    ends = Counter(str(found.end.stop) for found in outcomes)
    rows = np.median([found.end.rows for found in outcomes])
    inside = np.mean([found.inside for found in outcomes])
    shares = [found.end.sweep_share for found in outcomes]
    return (
        f"| {truth.name} | {np.mean([found.waste for found in outcomes]):.2%} "
        f"| {np.mean([found.end.waste_before for found in outcomes]):.2%} | {np.mean(shares):.2%} | {max(shares):.2%} "
        f"| {rows:.0f} | {inside:.2f} "
        f"| {', '.join(f'{name} {count}' for name, count in ends.most_common())} |"
    )


def main() -> None:
    """Prints the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=50)
    parser.add_argument("--others", type=int, default=10, help="sweeps of the laws under other assumptions")
    options = parser.parse_args()
    count, others = options.sweeps, options.others
    print("# Adaptive sweeps of known laws\n")
    print(
        f"`python targets.py --sweeps {count} --others {others}`: {count} sweeps of each law whose form is known to be "
        f"right, {others} of each of the others, for a run of 1e23 FLOPs, .5 % noise in "
        "every loss, a first guess of N that is off by a factor of 1.5 (one standard deviation), no run above a "
        "sixteenth of the target.\n"
    )
    for title, sweeps, form, tolerance, truths in (
        ("The form is known to be right: tolerance .3 %, no bend, no error of form", count, False, 0.003, RIGHT),
        ("The same where it is not right", others, False, 0.003, WRONG),
        (
            "As it is by default, with the bend and the error of form of the size forecast: tolerance 1 %",
            others,
            True,
            0.01,
            (*RIGHT, *WRONG),
        ),
    ):
        print(f"## {title}\n\n{HEAD}")
        for truth in truths:
            print(
                line(truth, [swept(truth, seed, tolerance=tolerance, form=form) for seed in range(sweeps)]), flush=True
            )
        print()


if __name__ == "__main__":
    main()
