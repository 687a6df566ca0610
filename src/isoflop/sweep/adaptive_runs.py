"""The runs of an adaptive sweep: which could be trained, which come first, and those of the learning-rate check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.errors import InputError, RefusedError
from isoflop.laws import ComputeCost
from isoflop.recipe import SmallRecipe
from isoflop.run_tree import roots
from isoflop.spec import RunSpec
from isoflop.sweep.adaptive import Candidate, CandidateKind, Limits, first_runs
from isoflop.sweep.branches import branch_of
from isoflop.sweep.designs import LR_FACTORS, MIN_STEPS, Design, DesignedRun, first_guess, fitted_specs
from isoflop.sweep.places import TrainingPlaces
from isoflop.units import format_flops

PER_DECADE = 4
"""Budgets of a decade of compute at which runs are possible."""
SPAN = (1 / 12, 1 / 3)
"""Budgets of the first runs over the largest run's: cheap, and near enough to the planned run to be of its kind."""
GRID_SPAN = 32.0
"""Largest run over the smallest that is possible."""
_BELOW_LARGEST = 0.97  # runs are rounded to whole batches
_REACH, _SIZES = 8.0, 10  # of the first guess, up and down; sizes that are asked for in a decade of N
HORIZONS = (10 ** (-1 / PER_DECADE), 10 ** (1 / PER_DECADE))
"""Tokens of a branch over those of its trunk: one budget of the grid below and above. It has the batch of its trunk,
1.6 times that of the recipe or less of it, which is as far as batches are known to be equally good."""
MOST_WARMUP = 0.1
"""Largest share of a branch's tokens that is its trunk's warm-up: twice that of a run of its own."""
FEWEST_FIRST = 7
"""First runs without which there is no sweep: as many as the largest form has constants."""


@dataclass(frozen=True, kw_only=True)
class Possible:
    """A run that could be next: what the policy sees of it, and what would be trained."""

    candidate: Candidate
    spec: RunSpec


@dataclass(frozen=True, kw_only=True)
class RunGrid:
    """Cells of buildable shapes at fixed budgets, and how their runs are trained."""

    recipe: SmallRecipe
    places: TrainingPlaces
    corpus: str
    seed: int
    largest_run: float
    """FLOPs of the dearest cells."""
    most_tokens: float
    """Tokens of the longest run, such as four epochs of the text."""

    def specs(self) -> list[RunSpec]:
        """The runs of all cells from their own start, cheap ones first."""
        budgets = self.largest_run * _BELOW_LARGEST / 10 ** (np.arange(_steps(GRID_SPAN)) / PER_DECADE)
        found: dict[str, RunSpec] = {}
        for flops in sorted(budgets.tolist()):
            centre = first_guess(self.recipe, flops)
            for size in np.geomspace(centre / _REACH, centre * _REACH, _steps(_REACH**2, _SIZES)).tolist():
                shape = self.recipe.architecture(size)
                tokens = flops / self.recipe.flops_per_token(shape)
                if MIN_STEPS * self.recipe.batch_tokens(shape, tokens) <= tokens <= self.most_tokens:
                    spec = self.recipe.spec(shape, tokens, corpus=self.corpus, seed=self.seed)
                    found.setdefault(spec.run_id, spec)
        return list(found.values())

    def possible(self, design: Design) -> list[Possible]:
        """The runs that could be next to those of `design`: other cells, and cells once more with another seed."""
        fitted, trees = fitted_specs(design), roots(design.specs)
        again = [replace(spec, seed=spec.seed + 1) for spec in fitted if spec.begins is None]
        kinds: tuple[tuple[CandidateKind, list[RunSpec]], ...] = (
            ("new", self.specs()),
            ("branch", self._branches(fitted)),
            ("repeat", again),
        )
        found: dict[str, Possible] = {}
        for kind, spec in ((kind, spec) for kind, specs in kinds for spec in specs):
            if spec.run_id not in design.by_id:
                trunk = None if spec.begins is None else trees[spec.begins.run]
                found.setdefault(spec.run_id, Possible(candidate=self._candidate(spec, kind, trunk), spec=spec))
        return list(found.values())

    def _branches(self, trunks: Sequence[RunSpec]) -> list[RunSpec]:
        """The runs that may branch off `trunks`, at HORIZONS of their tokens."""
        found = []
        for trunk in trunks:
            if trunk.begins is not None or trunk.schedule.kind == "cosine":
                continue
            for horizon in HORIZONS:
                tokens = horizon * trunk.tokens
                long_enough = tokens >= max(MIN_STEPS * trunk.batch_tokens, trunk.warmup_tokens / MOST_WARMUP)
                if not long_enough or tokens > self.most_tokens:
                    continue
                try:
                    found.append(branch_of(trunk, tokens, kept=steps_to_branch_at(trunk)))
                except InputError:  # its cooldown begins before the first step that was kept
                    continue
        return found

    def guess(self, flops: float) -> float:
        """N where the best size is first looked for."""
        return first_guess(self.recipe, flops)

    @property
    def span(self) -> tuple[float, float]:
        """FLOPs of the cheapest and the dearest of the first runs."""
        return self.largest_run * SPAN[0], self.largest_run * SPAN[1]

    def cost(self) -> ComputeCost:
        """FLOPs of a token against N, through the shapes of the grid."""
        shapes = {spec.architecture.params().non_embedding: spec.architecture for spec in self.specs()}
        return ComputeCost.from_pairs((params, self.recipe.flops_per_token(at)) for params, at in shapes.items())

    def first_design(self) -> Design:
        """The runs before any decision, and the learning-rate check at their smallest, a middle and the largest size.

        Raises RefusedError `budget_too_small` where fewer than FEWEST_FIRST can be built.
        """
        found = {one.candidate.key: one.spec for one in self.possible(Design(runs=()))}
        try:
            candidates = [self._candidate(spec, "new") for spec in found.values()]
            chosen = first_runs(candidates, self.guess, span=self.span, limits=Limits(largest_run=self.largest_run))
        except (InputError, ValueError):
            chosen = ()
        if len(chosen) < FEWEST_FIRST:
            raise RefusedError(
                "budget_too_small",
                f"runs of up to {format_flops(self.largest_run)} FLOPs give {len(chosen)} buildable cells, and an "
                f"adaptive sweep begins with {FEWEST_FIRST}",
            )
        specs = [found[candidate.key] for candidate in chosen]
        runs = [DesignedRun(spec=spec, purpose="adaptive") for spec in specs]
        return Design(runs=(*runs, *self._rate_check(specs)))

    def _rate_check(self, specs: Sequence[RunSpec]) -> list[DesignedRun]:
        """The smallest cell, the middle and the largest of the middle budget, at LR_FACTORS times the recipe's rate."""
        by_flops = sorted(specs, key=lambda spec: spec.flops)
        third = len(specs) // 3
        low, middle = (
            sorted(part, key=lambda spec: spec.architecture.params().non_embedding)
            for part in (by_flops[:third], by_flops[third : 2 * third])
        )
        cells = dict.fromkeys([low[0], middle[len(middle) // 2], middle[-1]])
        return [
            DesignedRun(
                spec=self.recipe.spec(
                    cell.architecture, cell.tokens, corpus=self.corpus, seed=self.seed, lr_factor=factor
                ),
                purpose="learning_rate_check",
            )
            for cell in cells
            for factor in LR_FACTORS
        ]

    def _candidate(self, spec: RunSpec, kind: CandidateKind, trunk: str | None = None) -> Candidate:
        return Candidate(
            key=spec.run_id,
            params=spec.architecture.params().non_embedding,
            tokens=spec.tokens,
            flops=spec.spent_flops,
            law_flops=spec.flops,
            seconds=self.places.seconds(spec),
            kind=kind,
            trunk=trunk,
            seed=spec.seed,
            shape=spec.architecture,
        )


def steps_to_branch_at(trunk: RunSpec) -> tuple[int, ...]:
    """The steps at which `trunk` keeps a checkpoint, so that runs of HORIZONS of its tokens may begin there."""
    steps = set()
    for horizon in HORIZONS:
        whole = max(1, round(horizon * trunk.tokens / trunk.batch_tokens)) * trunk.batch_tokens
        steps.add(min(trunk.shared_steps, replace(trunk, tokens=whole).shared_steps))
    return tuple(sorted(step for step in steps if step >= 1))


def _steps(factor: float, per_decade: int = PER_DECADE) -> int:
    return round(float(np.log10(factor)) * per_decade) + 1
