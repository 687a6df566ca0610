"""Options that say what kind of shape a plan is built as, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isoflop.arch import MOST_OF_A_SHAPE
from isoflop.cli.options.common import QUANTITY
from isoflop.errors import Notice
from isoflop.large_recipe import DEFAULT_SEQ_LEN, LargeRecipe
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, hyperparameter_law
from isoflop.plan import LawSource
from isoflop.recipe import TrainingRecipe

if TYPE_CHECKING:
    from isoflop.study import Study

F = TypeVar("F", bound=Callable[..., Any])

SHAPE_OPTIONS = ("family", "vocab", "seq_len", "without", "rates", "batch_tokens")
_COUNT = click.IntRange(1, MOST_OF_A_SHAPE)


def shape_options(function: F) -> F:
    """The options of SHAPE_OPTIONS; read them with `read_recipe`."""
    for option in reversed(
        (
            click.option("--family", help="Family of the shape: llama, gopher, gpt or palm. [llama]"),
            click.option("--vocab", type=_COUNT, help="Vocabulary of the shape. [32,000]"),
            click.option("--seq-len", type=_COUNT, help=f"Context of the shape. [{DEFAULT_SEQ_LEN:,}]"),
            click.option("--without", multiple=True, help="An optional part that the shape lacks: query_key_norm."),
            click.option("--batch-tokens", type=QUANTITY, help="Tokens a step. [by the law of --rates]"),
            click.option("--rates", help=f"Law of batch and rate: {', '.join(HYPERPARAMETER_LAWS)}. [steplaw2025]"),
        )
    ):
        function = option(function)
    return function


def taken(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of `options` with these names that were given, taken out of it."""
    found = {name: options.pop(name) for name in names}
    return {name: value for name, value in found.items() if value not in (None, ())}


def read_study(fit: Path | None, shape: dict[str, Any]) -> Study | None:
    """The study that a plan is made with; None for a fit alone, and where options of the shape ask for another."""
    if fit is None or shape or not (fit / "study.toml").exists():
        return None
    from isoflop.study import open_study

    return open_study(fit)


def own_recipe_left(fit: Path | None, shape: dict[str, Any]) -> list[Notice]:
    """That options of the shape plan a large model, where a study would have planned with its own recipe and text."""
    if fit is None or not shape or not (fit / "study.toml").exists():
        return []
    given = " and ".join(f"--{name.replace('_', '-')}" for name in shape)
    message = f"{given}: planned as large models are, not by the recipe of {fit} and not for its text"
    return [Notice(code="other_recipe", message=message)]


def read_recipe(source: LawSource, study: Study | None, shape: dict[str, Any]) -> TrainingRecipe:
    """How to shape and train the plan: as its study does, or as large models are.

    Raises InputError for an unknown family, part or law of rates.
    """
    if study is not None:
        from isoflop.study import training_stages
        from isoflop.study.learning_rate_check import tuned_recipe

        recipe = study.recipe(training_stages.built_corpus(study).vocab_size)
        return tuned_recipe(recipe, study.folder, source.scatter)
    return LargeRecipe(
        family=shape.get("family", LargeRecipe.family),
        vocab_size=shape.get("vocab", LargeRecipe.vocab_size),
        seq_len=shape.get("seq_len", LargeRecipe.seq_len),
        without=shape.get("without", ()),
        params_convention=source.law.provenance.params_convention,
        given_batch=shape.get("batch_tokens"),
        rates=hyperparameter_law(shape["rates"]) if "rates" in shape else LargeRecipe.rates,
    )
