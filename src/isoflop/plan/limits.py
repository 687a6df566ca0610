"""What limits a plan, and what each limit costs: the difference of two plans, with it and without it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from isoflop.errors import RefusedError
from isoflop.fit import LEVEL
from isoflop.plan.allocation import point_loss
from isoflop.plan.budget import flops_for_loss
from isoflop.plan.buildable import params_and_tokens_counted
from isoflop.plan.law_source import LawSource
from isoflop.plan.serving import ServingLimit
from isoflop.plan.solution import Solution, solve
from isoflop.plan.solver.problem import Problem
from isoflop.recipe import TrainingRecipe

_SAME = 1e-9  # of N and D, within which two plans are one
_SAME_LOSS = 1e-12  # of their loss: what a little repeated text costs is no rounding


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit of a plan, and its price."""

    name: str
    """In words, such as `serving memory`."""
    value: float
    unit: str
    """Of the value: bytes, seconds, tokens, parameters, tokens per parameter, days or money."""
    binding: bool
    """Whether the plan would be another without it."""
    price_flops: float | None
    """FLOPs that the plan takes more, for its loss, than the plan without the limit: of training, and of serving where
    that is asked for. 0 where it does not bind; None without a loss, and for the days and the money of a budget."""
    price_loss: float | None
    """Loss by which the plan exceeds that without the limit, for the same budget; None without a loss."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A budget with all that is asked of its plan."""

    source: LawSource
    """As it was given: its law is moved to each budget."""
    problem: Problem
    flops: float
    """Training FLOPs, in the law's convention."""
    serving: ServingLimit | None
    recipe: TrainingRecipe | None

    def answer(self) -> tuple[Solution, float | None]:
        """(the solution, its expected loss); no loss where the law has none."""
        moved, _ = self.source.for_budget(self.flops, LEVEL)
        found = solve(moved, self.problem, self.flops, self.serving, self.recipe)
        if not moved.law.has_loss:
            return found, None
        return found, point_loss(found.source, found.problem, *params_and_tokens_counted(found))

    def for_loss(self, loss: float) -> Question:
        """The same for the least budget that reaches `loss`. Raises RefusedError where none does."""
        flops = flops_for_loss(self.source, loss, self.problem, serving=self.serving, recipe=self.recipe)
        return replace(self, flops=flops)


def limits_of(question: Question) -> tuple[Limit, ...]:
    """Every limit of the question's plan but its budget, and what each costs."""
    relaxed = list(_relaxed(question))
    if not relaxed:
        return ()
    planned, loss = question.answer()
    return tuple(_priced(planned, loss, *each) for each in relaxed)


def _relaxed(question: Question) -> Iterator[tuple[str, float, str, Question]]:
    """(name, value, unit, the question without it) of each limit."""
    problem, serving = question.problem, question.serving
    for name, words in (("params", "parameters"), ("tokens", "tokens"), ("tokens_per_param", "tokens per parameter")):
        if (value := getattr(problem, name)) is not None:
            yield words, value, words, replace(question, problem=problem.without(name))
    if problem.repeats_tokens:
        free = replace(question, problem=problem.without("unique_tokens"))
        yield "unique tokens", problem.unique_tokens, "tokens", free
    for bound in () if serving is None else serving.bounds:
        assert serving is not None
        rest = replace(serving, left_out=(*serving.left_out, bound.name))
        yield bound.name, bound.value, bound.unit, replace(question, serving=rest if rest.bounds else None)


def _priced(planned: Solution, loss: float | None, name: str, value: float, unit: str, free: Question) -> Limit:
    """The limit without which `free` is asked."""
    without, lower = free.answer()
    pairs = [(planned.params, without.params, _SAME), (planned.tokens, without.tokens, _SAME)]
    if loss is not None and lower is not None:  # a fixed size has the same tokens, of which fewer are fresh
        pairs.append((loss, lower, _SAME_LOSS))
    binding = not all(math.isclose(one, other, rel_tol=same) for one, other, same in pairs)
    price_flops = price_loss = None
    if loss is not None and lower is not None:
        price_flops, price_loss = (_flops_saved(planned, loss, free), loss - lower) if binding else (0.0, 0.0)
    return Limit(name=name, value=value, unit=unit, binding=binding, price_flops=price_flops, price_loss=price_loss)


def _flops_saved(planned: Solution, loss: float, free: Question) -> float | None:
    """FLOPs that reaching `loss` takes less where `free` is asked; None where its forecasts do not reach there."""
    try:
        saved = planned.spend - free.for_loss(loss).answer()[0].spend
    except RefusedError:
        return None
    return saved if abs(saved) > _SAME * planned.spend else 0.0
