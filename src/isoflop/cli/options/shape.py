"""Options for the shape of a planned model and for its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cloup
from cloup import option_group

from isoflop.arch import MOST_OF_A_SHAPE
from isoflop.cli.options.types import QUANTITY, WholeNumber
from isoflop.cli.options.verb import flags
from isoflop.errors import Notice
from isoflop.large_recipe import DEFAULT_SEQ_LEN, LargeRecipe
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, hyperparameter_law
from isoflop.plan import LawSource
from isoflop.recipe import TrainingRecipe

if TYPE_CHECKING:
    from isoflop.study import Study

F = TypeVar("F", bound=Callable[..., object])

_COUNT = WholeNumber(1, MOST_OF_A_SHAPE)


@dataclass(frozen=True, kw_only=True)
class ShapeOptions:
    """Options of the shape of a planned model and of its training; None or empty where not set."""

    family: str | None = None
    vocab: int | None = None
    seq_len: int | None = None
    """Tokens."""
    tied: bool | None = None
    without: tuple[str, ...] = ()
    batch_tokens: float | None = None
    rates: str | None = None

    @property
    def set_names(self) -> list[str]:
        """Names of the options that were set."""
        return [field.name for field in fields(self) if getattr(self, field.name) not in (None, ())]


def shape_options(function: F) -> F:
    """Adds the options of `ShapeOptions`."""
    return option_group(
        "Shape and training",
        cloup.option("--family", help="Architecture family: llama, gopher, gpt, gpt-rope, palm or moe. [llama]"),
        cloup.option("--vocab", type=_COUNT, help="Vocabulary size. [32,000]"),
        cloup.option("--seq-len", type=_COUNT, help=f"Context length in tokens. [{DEFAULT_SEQ_LEN:,}]"),
        cloup.option(
            "--tied/--untied",
            default=None,
            help="Whether the output head shares the embedding. [the family's]",
        ),
        cloup.option(
            "--without", multiple=True, help="Omit an optional part of the family: query_key_norm. Repeatable."
        ),
        cloup.option("--batch-tokens", type=QUANTITY, help="Batch size in tokens. [by the law of --rates]"),
        cloup.option(
            "--rates", help=f"Law for batch size and learning rate: {', '.join(HYPERPARAMETER_LAWS)}. [steplaw2025]"
        ),
    )(function)


def read_study(fit: Path | None, shape: ShapeOptions) -> Study | None:
    """Returns the study to plan with; None for a fit alone, and where shape options replace its recipe."""
    if fit is None or shape.set_names or not (fit / "study.toml").exists():
        return None
    from isoflop.study import open_study

    return open_study(fit)


def replaced_recipe(fit: Path | None, shape: ShapeOptions) -> list[Notice]:
    """Returns a notice where shape options replace the recipe and the text of a study."""
    if fit is None or not shape.set_names or not (fit / "study.toml").exists():
        return []
    message = (
        f"{flags(shape.set_names)}: planned by the recipe of large models, not by the recipe of {fit} "
        "and not for its text"
    )
    return [Notice(code="other_recipe", message=message)]


def read_recipe(source: LawSource, study: Study | None, shape: ShapeOptions) -> TrainingRecipe:
    """Returns the recipe of the plan: that of its study, or that of large models.

    Raises InputError for an unknown family, part or law of rates.
    """
    if study is not None:
        from isoflop.study import training_stages
        from isoflop.study.learning_rate_check import tuned_recipe

        recipe = study.recipe(training_stages.built_corpus(study).vocab_size)
        return tuned_recipe(recipe, study.folder, source.scatter)
    return LargeRecipe(
        family=shape.family or LargeRecipe.family,
        vocab_size=shape.vocab or LargeRecipe.vocab_size,
        seq_len=shape.seq_len or LargeRecipe.seq_len,
        tied=shape.tied,
        without=shape.without,
        params_convention=source.law.provenance.params_convention,
        given_batch=shape.batch_tokens,
        rates=hyperparameter_law(shape.rates) if shape.rates else LargeRecipe.rates,
    )
