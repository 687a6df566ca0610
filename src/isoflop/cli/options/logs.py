"""Options that state what training logs do not tell: sizes of runs, and the tokens of a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import cloup
from cloup import option_group

F = TypeVar("F", bound=Callable[..., object])


def log_options(function: F) -> F:
    """Adds `--params-of` and `--tokens-per-step`, which `stated_sizes` and `stated_tokens` read."""
    sizes = cloup.option(
        "--params-of",
        multiple=True,
        metavar="RUN=N",
        help="Parameters of a run, or of those whose names match a pattern ('190M-*=190M'); 124M of all; or a table of "
        "run,params. Repeatable.",
    )
    tokens = cloup.option(
        "--tokens-per-step",
        multiple=True,
        metavar="TOKENS",
        help="Training tokens of one step, where logs count steps alone; RUN=TOKENS for some runs. Repeatable.",
    )
    return option_group("Reading logs", sizes, tokens)(function)
