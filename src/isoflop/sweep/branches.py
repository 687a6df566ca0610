"""Several token counts of one shape from one run: a trunk at a constant rate, and a decay branched off per horizon."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from isoflop.arch import Architecture
from isoflop.begins import Begins
from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.spec import RunSpec
from isoflop.units import format_number


@dataclass(frozen=True, kw_only=True)
class Branches:
    """Runs of one shape whose first steps are common."""

    trunk: RunSpec
    """The run of the longest horizon, which takes the common steps."""
    branches: tuple[RunSpec, ...]
    """The runs of the other horizons, longest first: each begins from the trunk where its own cooldown begins."""

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """The trunk, then the branches."""
        return (self.trunk, *self.branches)

    @property
    def straight_flops(self) -> float:
        """FLOPs (`matmul`) of the same runs if each were trained from its own start."""
        return sum(spec.flops for spec in self.specs)

    @property
    def spent_flops(self) -> float:
        """FLOPs (`matmul`) that they cost."""
        return sum(spec.spent_flops for spec in self.specs)

    @property
    def saving(self) -> float:
        """Straight FLOPs over branched ones, at least 1."""
        return self.straight_flops / self.spent_flops


def branched_runs(
    recipe: SmallRecipe,
    shape: Architecture,
    horizons: Sequence[float],
    *,
    corpus: str,
    seed: int,
    decided_at: float | None = None,
) -> Branches:
    """Runs of `shape` at each of `horizons`, in tokens (rounded to whole batches), with one batch and one rate.

    Both are the recipe's for a run of `decided_at` tokens, by default the geometric mean of the horizons. The warm-up
    is that of the shortest horizon, for which it is the largest share. Raises InputError for horizons that are equal
    after rounding or shorter than a batch, and for a recipe without a constant rate.
    """
    if not horizons or not all(math.isfinite(tokens) and tokens > 0 for tokens in horizons):
        raise InputError("horizons: expected token counts above 0")
    if recipe.schedule.kind == "cosine":
        raise InputError("schedule: runs branch off a constant rate: expected wsd, got cosine")
    at = math.exp(sum(map(math.log, horizons)) / len(horizons)) if decided_at is None else decided_at
    batch = recipe.batch_tokens(shape, at)
    steps = sorted((round(tokens / batch) for tokens in horizons), reverse=True)
    if steps[-1] < 1 or len(set(steps)) < len(steps):
        listed = ", ".join(format_number(tokens, 3) for tokens in sorted(horizons))
        raise InputError(f"horizons: expected different numbers of steps of {batch} tokens each, got {listed} tokens")
    made = recipe.spec(shape, steps[0] * batch, corpus=corpus, seed=seed, batch_tokens=batch)
    warmup = recipe.warmup_tokens(shape, steps[-1] * batch, batch)
    trunk = in_own_group(replace(made, peak_lr=recipe.peak_lr(shape, at), warmup_tokens=warmup))
    return Branches(trunk=trunk, branches=tuple(branch_of(trunk, number * batch) for number in steps[1:]))


def branch_of(trunk: RunSpec, tokens: float, kept: Iterable[int] | None = None) -> RunSpec:
    """The run that differs from `trunk` in its tokens (rounded to whole batches, more or fewer), and begins from it.

    It begins at the last step that both have in common, or at the last of the steps `kept` that they have. Raises
    InputError where there is none: its cooldown begins before the trunk kept a checkpoint.
    """
    steps = round(tokens / trunk.batch_tokens)
    alone = replace(trunk, tokens=max(1, steps) * trunk.batch_tokens, budget_flops=None, begins=None)
    last = min(alone.shared_steps, trunk.shared_steps)
    possible = [last] if kept is None else [step for step in kept if step <= last]
    first = 1 if trunk.begins is None else trunk.begins.step
    step = max(possible, default=0)
    if step < first:
        raise InputError(
            f"run {trunk.run_id}: no checkpoint in its first {last} steps, which a run of {alone.tokens} tokens has in "
            "common with it"
        )
    return replace(in_own_group(alone), begins=Begins(run=trunk.run_id, step=step))


def in_own_group(spec: RunSpec) -> RunSpec:
    """`spec` in the group of its cell: runs that differ from it in the seed alone, wherever they begin."""
    return replace(spec, group=replace(spec, group="", seed=0, begins=None).run_id)
