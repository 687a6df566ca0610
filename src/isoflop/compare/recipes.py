"""Which two recipes are meant, and one baseline against several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from isoflop.compare.compare import compare_runs
from isoflop.compare.options import CompareOptions
from isoflop.compare.result import Comparison
from isoflop.compare.sides import Side
from isoflop.compare.sources import SourceOptions, read_source
from isoflop.errors import InputError, quoted

if TYPE_CHECKING:
    from isoflop.compare.sources import Source

_MOST_LISTED = 12


def compare_named(
    names: Sequence[str], options: SourceOptions, question: CompareOptions, baseline: str | None = None
) -> tuple[Comparison, ...]:
    """What a line of words asks: `A B`, or with a column in `options.by` `FILE A B`, or all of FILE against `baseline`.

    Raises InputError, with what there is to choose from, for another number of words.
    """
    if baseline is not None:
        return against_baseline(recipes_in(names[0], options), baseline, names[1:], question)
    if options.by is not None:
        return (compare_runs(*sides_of(names[0], names[1:], options), question),)
    if len(names) != 2:
        raise InputError(
            f"compare: expected two, the baseline first: isoflop compare A B; got {len(names)}. Of one file that holds "
            "both: isoflop compare FILE --by COLUMN A B"
        )
    return (compare_runs(*two_sides(names[0], names[1], options), question),)


def two_sides(a: Source, b: Source, options: SourceOptions, names: tuple[str, str] = ("", "")) -> tuple[Side, Side]:
    """The baseline and the recipe that is held against it, each from a source of its own.

    Where both are called the same, they are `A` and `B` of that name.
    """
    one, other = (read_source(each, options, name).side() for each, name in zip((a, b), names, strict=True))
    if one.name == other.name:
        return replace(one, name=f"{one.name} (A)"), replace(other, name=f"{other.name} (B)")
    return one, other


def sides_of(source: Source, recipes: Sequence[str], options: SourceOptions) -> tuple[Side, Side]:
    """The two recipes called `recipes` in one source, the baseline first.

    Raises InputError, with the recipes that there are, unless two are named.
    """
    sides = recipes_in(source, options)
    if len(recipes) != 2:
        raise InputError(
            f"--by {options.by}: expected the baseline and the recipe to hold against it, or --baseline NAME for all "
            f"others against one; got {len(recipes)} names, and there are {listed(sides)}"
        )
    a, b = (_called(sides, name, f"--by {options.by}") for name in recipes)
    return a, b


def recipes_in(source: Source, options: SourceOptions) -> dict[str, Side]:
    """{value of `options.by`: the runs that have it}. Raises InputError where no run has that setting."""
    if options.by is None:
        raise InputError("expected --by COLUMN: the column or setting that names the recipe of a run")
    return read_source(source, options).by_recipe(options.by)


def against_baseline(
    sides: Mapping[str, Side], baseline: str, recipes: Sequence[str], question: CompareOptions
) -> tuple[Comparison, ...]:
    """Every other recipe, or those named, against the baseline, the best on the first set first.

    Each is judged as one that may have been chosen among so many (`CompareOptions.variants`). Raises InputError for a
    recipe that is not there, and where there is none besides the baseline.
    """
    a = _called(sides, baseline, "--baseline")
    others = [_called(sides, name, "recipe") for name in recipes] or list(sides.values())
    others = [side for side in others if side.name != baseline]
    if not others:
        raise InputError(f"--baseline {baseline}: no other recipe to compare it with; there are {listed(sides)}")
    asked = replace(question, variants=max(question.variants, len(others)))
    return tuple(sorted((compare_runs(a, b, asked) for b in others), key=_first_gap, reverse=True))


def _first_gap(comparison: Comparison) -> float:
    """ln L_A - ln L_B on the first set; lowest where it is not known."""
    gap = comparison.sets[0].gap if comparison.sets else None
    return float("-inf") if gap is None else gap


def _called(sides: Mapping[str, Side], name: str, option: str) -> Side:
    if name not in sides:
        raise InputError(f"{option}: no run with a final loss is of {quoted(name)}; there are {listed(sides)}")
    return sides[name]


def listed(sides: Mapping[str, Side]) -> str:
    """`adamw (9 runs), muon (12 runs)`: what there is to choose from."""
    shown = [f"{name} ({len(side.runs)} run{'s' if len(side.runs) != 1 else ''})" for name, side in sides.items()]
    more = f" and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    return ", ".join(shown[:_MOST_LISTED]) + more
