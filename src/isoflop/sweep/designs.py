"""Designs: which sizes at which budgets, and the learning-rate check. All are RunSpecs; nothing is started here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, get_args

from isoflop.arch import Architecture
from isoflop.codec import JsonObject
from isoflop.digest import check_digest, write_with_digest
from isoflop.errors import InputError, RefusedError, quoted
from isoflop.files import decoding, read_json
from isoflop.fit.budgets import SAME_BUDGET
from isoflop.recipe import SmallRecipe
from isoflop.run_tree import check_tree
from isoflop.spec import RunSpec
from isoflop.units import format_flops

SCHEMA = 1
Purpose = Literal["isoflop", "adaptive", "learning_rate_check", "planned", "larger"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
FITTED: frozenset[Purpose] = frozenset({"isoflop", "adaptive"})
"""The purposes of the runs that fits learn from."""

FIRST_GUESS_PARAMS, FIRST_GUESS_FLOPS, FIRST_GUESS_EXPONENT = 45e3, 1e12, 0.6
"""Where a first guess puts the optimum of llama: non-embedding parameters at a compute, and the exponent between
budgets. Measured on English bytes, context 128 (bench/recipe); the sweep is wide enough to be wrong by a factor of two.
"""
RATIOS = (0.25, 0.4, 0.63, 1.0, 1.6, 2.5)
"""Sizes over the guessed optimum, in steps of 1.6: wide enough to show the curvature, narrow enough for a parabola.
Four times the optimum is left out: it sees two tokens a parameter, where no law of this form holds (5 to 500 do)."""
RATIO_STEP = 1.6
MIN_SIZES = 5
MIN_STEPS = 50
"""A floor for tiny budgets only: below this many optimiser steps a run says nothing about its size (an assumption).
The default study gives every run 1,300 steps and more."""
LR_FACTORS = (0.5, 1.0, 2.0)
"""The three-point check: half, the recipe's, twice. 0.6 and 1.6 times cost 0.2 to 1.3 % (measured), so that at these
the curvature shows above the noise."""


@dataclass(frozen=True, kw_only=True)
class DesignedRun:
    """One run and what it is for. The same run may serve two purposes; it is trained once."""

    spec: RunSpec
    purpose: Purpose


@dataclass(frozen=True, kw_only=True)
class Design:
    """The runs of a sweep. Raises InputError where one begins from a run that is not among them, or has other steps."""

    runs: tuple[DesignedRun, ...]
    asked: Mapping[str, object] = field(default_factory=dict, compare=False)
    """Settings of the study that it was made for; empty in the designs of final runs, and of earlier versions."""

    def __post_init__(self) -> None:
        if any(run.spec.begins is not None for run in self.runs):
            check_tree(self.by_id)

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """Distinct specs, in the order of the design."""
        return tuple(self.by_id.values())

    @cached_property
    def by_id(self) -> dict[str, RunSpec]:
        """{run_id: spec}, in the order of the design."""
        return {run.spec.run_id: run.spec for run in self.runs}

    @property
    def budgets(self) -> tuple[float, ...]:
        """The isoFLOP budgets that the design states, ascending, in FLOPs."""
        return tuple(sorted({r.spec.budget_flops for r in self.runs if r.purpose == "isoflop" and r.spec.budget_flops}))

    def by_budget(self) -> dict[float, list[RunSpec]]:
        """{budget in FLOPs: the runs that fits learn from}, ascending, whether the design states budgets or not."""
        found: dict[float, list[RunSpec]] = {}
        for spec in fitted_specs(self):
            found.setdefault(budget_of(spec.budget_flops, spec.flops, found), []).append(spec)
        return dict(sorted(found.items()))

    def purposes(self) -> dict[str, list[Purpose]]:
        """{run_id: [purposes]}."""
        purposes: dict[str, list[Purpose]] = {}
        for run in self.runs:
            of_run = purposes.setdefault(run.spec.run_id, [])
            if run.purpose not in of_run:
                of_run.append(run.purpose)
        return purposes

    def save(self, path: Path) -> None:
        """Write the design as JSON, atomically."""
        runs = [{"purpose": run.purpose, "spec": run.spec.as_json()} for run in self.runs]
        asked = {"asked": dict(self.asked)} if self.asked else {}
        write_with_digest(path, {"schema": SCHEMA, "runs": runs, **asked})

    @classmethod
    def load(cls, path: Path) -> Design:
        """The design that `save` wrote. Raises InputError when it is of another version, or was changed."""
        try:
            there = path.stat()
        except OSError:
            return cls._load(path, None)  # which says what is wrong
        return cls._load(path, (there.st_ino, there.st_mtime_ns, there.st_size))

    @classmethod
    @lru_cache(maxsize=4)  # several checks of one command read the design, a second each where it has 10,000 runs
    def _load(cls, path: Path, _version: tuple[int, int, int] | None) -> Design:
        value = read_json(path)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise InputError(f"{path}: a design of another version of isoflop; use that version or a new study folder")
        check_digest(path, value)
        listed, asked = value.get("runs"), value.get("asked", {})
        runs = [run for run in listed if isinstance(run, dict)] if isinstance(listed, list) else []
        if not runs or runs != listed:
            raise InputError(f"{path}: expected the designed runs; restore it, or use a new study folder")
        if not isinstance(asked, dict):
            raise InputError(f"{path}: asked: expected an object, got {quoted(asked)}; restore it")
        with decoding(path):
            return cls(runs=tuple(_designed(run) for run in runs), asked=asked)


def _designed(run: JsonObject) -> DesignedRun:
    """The run that `save` wrote. Raises InputError for another purpose, and for an isoFLOP run without a budget."""
    spec, named = RunSpec.from_json(run.get("spec")), run.get("purpose")
    purpose = next((purpose for purpose in PURPOSES if purpose == named), None)
    if purpose is None:
        raise InputError(f"purpose: expected one of {', '.join(PURPOSES)}, got {quoted(named)}")
    if spec.budget_flops is None and purpose == "isoflop":
        raise InputError(f"run {spec.run_id}: budget_flops is missing")
    return DesignedRun(spec=spec, purpose=purpose)


def fitted_specs(design: Design) -> list[RunSpec]:
    """The runs of `design` that fits learn from: those of the learning-rate check alone are left out."""
    return [design.by_id[name] for name, of in design.purposes().items() if FITTED & set(of)]


def budget_of(stated: float | None, flops: float, known: Iterable[float]) -> float:
    """The budget of a run in FLOPs: as the design states it, else the one of `known` that its own FLOPs are near.

    An adaptive sweep states none: its runs lie at four budgets a decade, each of which they miss by a few per cent.
    """
    near = (budget for budget in known if abs(math.log(flops / budget)) <= SAME_BUDGET)
    return stated or next(near, flops)


def spent_flops(specs: Iterable[RunSpec]) -> float:
    """FLOPs (`matmul`) of runs, the steps that they have in common once."""
    return sum(spec.spent_flops for spec in specs)


def first_guess(recipe: SmallRecipe, flops: float) -> float:
    """Non-embedding parameters where the optimum of the recipe's family is first looked for at `flops`."""
    of_llama = FIRST_GUESS_PARAMS * (flops / FIRST_GUESS_FLOPS) ** FIRST_GUESS_EXPONENT
    return float(of_llama * recipe.tuning.optimum)


def sizes_around(
    recipe: SmallRecipe, flops: float, centre: float, ratios: Iterable[float] = RATIOS
) -> list[Architecture]:
    """Distinct buildable shapes near `centre` x ratios that can take at least MIN_STEPS steps within `flops`.

    Where small ratios meet the smallest buildable model, larger ones are added until there are MIN_SIZES.
    """
    targets = sorted(ratios)
    targets += [targets[-1] * RATIO_STEP**step for step in range(1, 12)]
    shapes: dict[tuple[int, int], Architecture] = {}
    for number, ratio in enumerate(targets):
        if number >= len(targets) - 11 and len(shapes) >= MIN_SIZES:
            break
        shape = recipe.architecture(centre * ratio)
        tokens = flops / recipe.flops_per_token(shape)
        if tokens >= MIN_STEPS * recipe.batch_tokens(shape, tokens):
            shapes[shape.d_model, shape.n_layers] = shape
    return sorted(shapes.values(), key=lambda shape: shape.params().non_embedding)


def isoflop_design(
    recipe: SmallRecipe,
    budgets: Sequence[float],
    *,
    corpus: str,
    seed: int,
    ratios: Sequence[float] = RATIOS,
) -> Design:
    """At each budget, sizes around the first guess, every run spending the budget exactly (to a batch).

    Raises RefusedError `budget_too_small` when a budget is below what MIN_SIZES models need.
    """
    runs = []
    for flops in sorted(budgets):
        shapes = sizes_around(recipe, flops, first_guess(recipe, flops), ratios)
        if len(shapes) < MIN_SIZES:
            raise RefusedError(
                "budget_too_small",
                f"{format_flops(flops)} FLOPs give {len(shapes)} buildable sizes, and a curve needs {MIN_SIZES}; "
                "raise --minutes or --flops",
            )
        runs += [
            DesignedRun(
                purpose="isoflop",
                spec=recipe.spec(
                    shape,
                    flops / recipe.flops_per_token(shape),
                    corpus=corpus,
                    seed=seed,
                    budget_flops=flops,
                ),
            )
            for shape in shapes
        ]
    return Design(runs=tuple(runs))


def learning_rate_check(
    recipe: SmallRecipe, cells: Sequence[tuple[Architecture, float]], *, corpus: str, seed: int
) -> Design:
    """Each (shape, budget) cell at half, once and twice the recipe's rate: the minimum should lie in the middle.

    The middle rate is the sweep's own run, so a cell costs two runs more.
    """
    runs = []
    for shape, flops in cells:
        tokens = flops / recipe.flops_per_token(shape)
        runs += [
            DesignedRun(
                purpose="learning_rate_check",
                spec=recipe.spec(shape, tokens, corpus=corpus, seed=seed, budget_flops=flops, lr_factor=factor),
            )
            for factor in LR_FACTORS
        ]
    return Design(runs=tuple(runs))


def geometric_budgets(top: float, count: int, ratio: float) -> list[float]:
    """`count` budgets up to `top`, each `ratio` times the one before, rounded to three digits for people."""
    return [float(f"{top / ratio**step:.2e}") for step in range(count - 1, -1, -1)]
