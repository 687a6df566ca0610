"""The whole study as runs: sweep, learning-rate check and final contest, cut to the time or FLOPs there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from isoflop.arch import Architecture
from isoflop.errors import InputError, RefusedError
from isoflop.laws.bisection import bracket
from isoflop.recipe import SmallRecipe
from isoflop.sweep.cost import SweepCost, sweep_cost
from isoflop.sweep.designs import (
    Design,
    DesignedRun,
    first_guess,
    geometric_budgets,
    isoflop_design,
    learning_rate_check,
)
from isoflop.sweep.devices import SharedDevice
from isoflop.sweep.speed import Speed
from isoflop.units import format_flops, format_number

LARGER = 4.0
"""The bigger-is-better habit: Gopher has four times Chinchilla's parameters (Hoffmann et al. 2022, Table 4)."""
STAGE_SECONDS = {"corpus": 10.0, "machine": 15.0, "sweep": 6.0, "fit": 15.0, "final": 6.0, "serve": 10.0, "report": 5.0}
"""{stage: seconds besides the training}, measured on two cores: in the two stages that train, workers start; the fits
include the backtest."""
OVERHEAD_SECONDS = 75.0
"""What a study is allowed besides its training: the sum of the stages, and 8 for a machine that is slower at them."""
SPEED_MARGIN = 1.2
"""Runs take this much longer than the steps measured before: data, logging, checkpoints, warm caches lost between
processes, and a last worker running alone. Measured 1.1 to 1.3 on two cores."""
TYPICAL_SPEED = Speed(step_seconds=4.5e-3, seconds_per_value=1.7e-7, seconds_per_flop=7.9e-12, eval_share=0.92)
"""What the study of tests/golden/study-0.1.0.tar.xz measured on two cores: an answer before anything is measured."""
LOWEST_TOP, HIGHEST_TOP = 1e9, 1e24


def sweep_design(
    recipe: SmallRecipe, top: float, *, corpus: str, seed: int, budgets: int, budget_ratio: float
) -> Design:
    """isoFLOP runs at `budgets` budgets up to `top`, and the learning-rate check at their three corners.

    The check sits where sizes differ most for little compute: the smallest size of the lowest budget, and the middle
    and the largest of the middle budget.
    """
    ladder = geometric_budgets(top, budgets, budget_ratio)
    grid = isoflop_design(recipe, ladder, corpus=corpus, seed=seed)
    by_budget = {flops: [r.spec for r in grid.runs if r.spec.budget_flops == flops] for flops in ladder}
    low, middle = by_budget[ladder[0]], by_budget[ladder[len(ladder) // 2]]
    cells = [low[0], middle[len(middle) // 2], middle[-1]]
    check = learning_rate_check(
        recipe, [(spec.architecture, spec.budget_flops or 0.0) for spec in cells], corpus=corpus, seed=seed
    )
    return Design(runs=grid.runs + check.runs)


def comparison_design(
    recipe: SmallRecipe, planned: Architecture, flops: float, *, corpus: str, seed: int, larger: float = LARGER
) -> Design:
    """The planned model and, at the same FLOPs, the one of `larger` times its parameters."""
    shapes = (planned, recipe.architecture(larger * planned.params().non_embedding))
    purposes = ("planned", "larger")
    return Design(
        runs=tuple(
            DesignedRun(
                purpose=purpose,  # type: ignore[arg-type]
                spec=recipe.spec(
                    shape, flops / recipe.flops_per_token(shape), corpus=corpus, seed=seed, budget_flops=flops
                ),
            )
            for purpose, shape in zip(purposes, shapes, strict=True)
        )
    )


def study_cost(
    recipe: SmallRecipe,
    design: Design,
    final_flops: float,
    speed: Speed,
    workers: int,
    devices: Sequence[SharedDevice] = (),
) -> tuple[SweepCost, SweepCost]:
    """(sweep, final runs): what they cost, the final ones guessed at the size of a first guess."""
    guess = recipe.architecture(first_guess(recipe, final_flops))
    final = comparison_design(recipe, guess, final_flops, corpus="", seed=0)
    bills = [sweep_cost(specs, speed, workers, devices) for specs in (design.specs, final.specs)]
    sweep, last = (replace(bill, seconds=bill.seconds * SPEED_MARGIN) for bill in bills)
    return sweep, last


@dataclass(frozen=True, kw_only=True)
class LeastStudy:
    """The smallest study whose budgets all have enough sizes."""

    flops: float
    """Of its sweep and final runs."""
    seconds: float
    """Wall time of the whole study."""

    @property
    def minutes(self) -> int:
        """Whole minutes that are enough."""
        return math.ceil(self.seconds / 60)

    def refusal(self, *, seconds: float | None, flops: float | None, where: str) -> str:
        """Returns why a study of `seconds` or of `flops` is refused, and the least that works `where`, in words."""
        least = f"--flops {format_flops(self.flops)}, about {self.minutes} min{where}"
        if seconds is None:
            return f"--flops {format_flops(flops or 0.0)} is too small for any sweep: the least is {least}"
        return (
            f"--minutes {format_number(seconds / 60)} is too little for any sweep{where}: the least is --minutes "
            f"{self.minutes}, or {least}"
        )


def least_study(
    recipe: SmallRecipe, speed: Speed, *, workers: int, budgets: int, budget_ratio: float, final_ratio: float
) -> LeastStudy:
    """The smallest study of `budgets` budgets, its FLOPs rounded up to two digits.

    Raises RefusedError `budget_too_small` where none is large enough.
    """

    def bill(top: float) -> tuple[float, float] | None:
        """(FLOPs, seconds) of the study with this top budget; None where a budget has too few sizes."""
        try:
            design = sweep_design(recipe, top, corpus="", seed=0, budgets=budgets, budget_ratio=budget_ratio)
        except RefusedError:
            return None
        sweep, final = study_cost(recipe, design, final_ratio * top, speed, workers)
        return sweep.flops + final.flops, OVERHEAD_SECONDS + sweep.seconds + final.seconds

    try:
        low, high = math.log(LOWEST_TOP), math.log(HIGHEST_TOP)
        top = math.exp(float(bracket(lambda log_top: bill(math.exp(log_top)) is None, low, high, tolerance=1e-3)[1]))
        found = bill(top) if top < 0.99 * HIGHEST_TOP else None
    except InputError:  # beyond the widest buildable model
        found = None
    if found is None:
        raise RefusedError(
            "budget_too_small",
            f"no study has {budgets} budgets that are each {format_number(budget_ratio, 6)} times the one below; give "
            "fewer --budgets",
        )
    digits = 10.0 ** (math.floor(math.log10(found[0])) - 1)
    return LeastStudy(flops=digits * math.ceil(1.005 * found[0] / digits), seconds=found[1])


def design_study(
    recipe: SmallRecipe,
    speed: Speed,
    *,
    corpus: str,
    seed: int,
    workers: int,
    devices: Sequence[SharedDevice] = (),
    seconds: float | None,
    flops: float | None,
    budgets: int,
    budget_ratio: float,
    final_ratio: float,
) -> Design:
    """The largest sweep whose study fits into `seconds` of wall time, or into `flops` of training.

    Bisection over the top budget. Raises RefusedError `budget_too_small` when no sweep fits.
    """

    def designed(top: float) -> Design:
        return sweep_design(recipe, top, corpus=corpus, seed=seed, budgets=budgets, budget_ratio=budget_ratio)

    def fits(top: float) -> bool:
        """Whether a study with this top budget stays within the seconds, or else the FLOPs."""
        try:
            sweep, final = study_cost(recipe, designed(top), final_ratio * top, speed, workers, devices)
        except RefusedError:
            return True  # too small for five sizes: only a larger budget can help
        except InputError:
            return False  # beyond the widest buildable model
        if seconds is not None:
            return OVERHEAD_SECONDS + sweep.seconds + final.seconds <= seconds
        return sweep.flops + final.flops <= (flops or 0.0)

    low, high = math.log(LOWEST_TOP), math.log(HIGHEST_TOP)
    # of ln C: far finer than the three digits kept
    low = float(bracket(lambda log_top: fits(math.exp(log_top)), low, high, tolerance=3e-6)[0])
    try:
        if fits(math.exp(low)):
            return designed(math.exp(low))
    except RefusedError:
        pass  # the largest that would fit has too few sizes
    least = least_study(
        recipe, speed, workers=workers, budgets=budgets, budget_ratio=budget_ratio, final_ratio=final_ratio
    )
    raise RefusedError("budget_too_small", least.refusal(seconds=seconds, flops=flops, where=" here"))
