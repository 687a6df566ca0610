"""The nearest shape that can be built to the size that a plan wishes for, and the tokens that it leaves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from isoflop.arch import Architecture, flops_per_token
from isoflop.errors import InputError, Notice
from isoflop.laws import Provenance
from isoflop.plan.allocation import Choice, expected_loss
from isoflop.plan.fixed import SizeLimit
from isoflop.plan.intervals import DEFAULT_LEVEL
from isoflop.plan.law_source import LawSource
from isoflop.plan.objectives import Objective
from isoflop.recipe import TrainingRecipe
from isoflop.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Buildable:
    """The nearest shape that can be built, and the tokens that the planned FLOPs pay for with it."""

    architecture: Architecture
    params: int
    """Exact, in the law's convention."""
    tokens: float
    flops_per_token: float
    """In the law's convention, at the run's context."""
    loss: float | None
    """Expected at these exact numbers; None without a loss surface."""
    run: RunSpec
    """How to train it, on `tokens` to the nearest batch; its corpus is empty and its seed 0 until there is a text."""

    @property
    def seq_len(self) -> int:
        """Context in tokens."""
        return self.run.seq_len

    def run_spec(self, corpus: str, seed: int = 0) -> RunSpec:
        """The run on the text whose digest is `corpus`."""
        return replace(self.run, corpus=corpus, seed=seed)

    def with_batch(self, recipe: TrainingRecipe, batch_tokens: int) -> Buildable:
        """The same with another number of tokens a step, a whole number of sequences."""
        run = recipe.spec(self.architecture, self.tokens, budget_flops=self.run.budget_flops, batch_tokens=batch_tokens)
        return replace(self, run=run)

    def as_json(self) -> dict[str, Any]:
        """The architecture's fields, with these beside them."""
        return {
            **self.architecture.as_json(),
            "params": self.params,
            "tokens": self.tokens,
            "flops_per_token": self.flops_per_token,
            "loss": self.loss,
            "seq_len": self.seq_len,
        }


def build_nearest(
    source: LawSource,
    objective: Objective,
    chosen: Choice,
    recipe: TrainingRecipe | None,
) -> tuple[Buildable | None, list[Notice]]:
    """(the nearest shape with the tokens that it leaves, and how to train it; what to say of that) or (None, why not).

    Raises InputError where the tokens do not make one batch.
    """
    if recipe is None:
        return None, []
    allowed = objective.shape if isinstance(objective, SizeLimit) else None
    try:
        arch = allowed or recipe.architecture(chosen.params)
    except InputError as error:
        return None, [Notice(code="no_buildable_shape", message=str(error))]
    built = _build(arch, source, chosen.flops, recipe, objective)
    return built, recipe.notices(arch, built.tokens)


def _build(
    arch: Architecture, source: LawSource, flops: float, recipe: TrainingRecipe, objective: Objective
) -> Buildable:
    conventions = source.law.provenance
    params = arch.params().by_convention(conventions.params_convention)
    per_token = _flops_per_token(arch, recipe.seq_len, params, conventions)
    tokens = flops / per_token
    return Buildable(
        architecture=arch,
        params=params,
        tokens=tokens,
        flops_per_token=per_token,
        loss=expected_loss(source, objective, params, tokens, DEFAULT_LEVEL)[0],
        run=recipe.spec(arch, tokens, budget_flops=flops),
    )


def _flops_per_token(arch: Architecture, seq_len: int, params: int, law: Provenance) -> float:
    """In the law's convention; 6 N is 6 times what the law calls N."""
    return 6.0 * params if law.flops_convention == "six_n" else flops_per_token(arch, seq_len, law.flops_convention)


def flops_over_law(arch: Architecture, seq_len: int, law: Provenance, convention: str) -> float:
    """Training FLOPs of a shape by `convention`, over those in the law's own: what attention adds to 6 N, say."""
    counted = arch.params().by_convention(law.params_convention)
    return flops_per_token(arch, seq_len, convention) / _flops_per_token(arch, seq_len, counted, law)


def how_to_train(spec: RunSpec) -> dict[str, Any]:
    """The numbers of a run that a person sets: batch, rate, schedule and optimiser, as a JSON object."""
    return {
        "batch_tokens": spec.batch_tokens,
        "peak_lr": spec.peak_lr,
        "steps": spec.steps,
        "tokens": spec.tokens,
        "seq_len": spec.seq_len,
        "warmup_tokens": spec.warmup_tokens,
        "schedule": spec.schedule.kind,
        "final_fraction": spec.schedule.final_fraction,
        "optimizer": asdict(spec.optimizer),
        "z_loss": spec.z_loss,
    }
