"""The cost of a token where tables are most of a shape: its own head, and layers that the law counts with another.

A law of runs with one tied table of 32,000 calls N what their layers and that table have. For another vocabulary the
layers are the same, and a token costs 6 N less the products of that table plus those of the shape's own head.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from math import floor

from isoflop.arch import Architecture
from isoflop.arch.shapes import shape_of_width, usual_aspect
from isoflop.errors import InputError
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import SIX_N, ComputeCost
from isoflop.plan.law_source import LawSource
from isoflop.plan.solver.problem import Problem
from isoflop.plan.table_share import (
    RUNS_VOCABULARY,
    has_known_tables,
    head_cost,
    is_mostly_tables,
    with_tied_table,
)
from isoflop.recipe import TrainingRecipe

# Knots of the cost: wide enough that tables of any vocabulary are little of the last, and such that the feed-forward,
# 8/3 of the width, is a multiple of 128 in most.
_WIDTHS = (128, 192, 256, 384, 512, 768, 1152, 1536, 2304, 3072, 4608, 6144, 9216, 12_288, 18_432)


def with_own_tables(
    source: LawSource, problem: Problem, flops: float, recipe: TrainingRecipe | None
) -> tuple[LawSource, TrainingRecipe | None]:
    """(source, recipe) with the cost of the recipe's tables, and with N as the law counts, for `flops` training FLOPs.

    As given, where the shape of the law's own N would not be mostly tables, where N is fixed, as the user counts,
    where a token has a cost of its own already, and where the vocabulary of the law's runs is not known or it has no
    loss to solve again.
    """
    law = source.law.provenance
    if not isinstance(recipe, LargeRecipe) or recipe.counted_vocab is not None or problem.params is not None:
        return source, recipe
    if not (
        source.cost.is_six_n and has_known_tables(law) and source.law.has_loss and law.params_convention == "total"
    ):
        return source, recipe
    N = float(problem.choose(source.law, flops, source.cost)[0])
    if _most_of_tables(recipe.vocab_size) < N:
        return source, recipe
    counting = replace(recipe, counted_vocab=RUNS_VOCABULARY)
    shape = _shape(recipe, N) or _shape(counting, N)
    if shape is None or not is_mostly_tables(shape, law):
        return source, recipe
    return replace(source, cost=own_cost(recipe.family, recipe.vocab_size, recipe.without)), counting


@lru_cache
def own_cost(family: str, vocab_size: int, without: tuple[str, ...] = ()) -> ComputeCost:
    """Training FLOPs of a token against N as the law counts, through shapes of the usual proportions.

    >>> own_cost("llama", 32_000).is_six_n
    True
    """
    if vocab_size == RUNS_VOCABULARY:
        return SIX_N
    params, flops = zip(*(_knot(family, vocab_size, without, width) for width in _WIDTHS), strict=True)
    return ComputeCost(params=params, flops=flops)


def _knot(family: str, vocab_size: int, without: tuple[str, ...], width: int) -> tuple[float, float]:
    """(N as the law counts, FLOPs a token) at a width, between the two depths around the usual one."""
    depth = width / usual_aspect(width)
    low = max(1, floor(depth))
    ends = []
    for layers in (low, low + 1):
        shape = replace(shape_of_width(width, layers, family=family, vocab_size=vocab_size), without=without)
        ends.append((with_tied_table(shape, RUNS_VOCABULARY).params().total, head_cost(shape)))
    (one, cost), (two, more) = ends
    return one + (depth - low) * (two - one), cost + (depth - low) * (more - cost)


def _most_of_tables(vocab_size: int) -> float:
    """N beyond which no shape is mostly tables.

    Two tables, 2 V d, are more than layers of at least 10 d^2 each, d / (1.4 x 6.25 d^.33) of them, only below a width
    of (2 V)^.6, and then N is at most 4 V d.
    """
    return 4.0 * vocab_size * float((2.0 * vocab_size) ** 0.6)


def _shape(recipe: LargeRecipe, params: float) -> Architecture | None:
    try:
        return recipe.architecture(params)
    except InputError:
        return None
