"""How far the text of a study suffices: the longest run, and what is said where the planned run is cut to it."""

from __future__ import annotations

import math

from isoflop.corpus import Corpus
from isoflop.errors import Notice
from isoflop.laws.repeated import FREE_EPOCHS
from isoflop.study.settings import StudySettings
from isoflop.units import format_flops, format_number, format_quantity


def most_tokens(settings: StudySettings, text: Corpus) -> float:
    """Tokens of the longest run that the study may train on `text`."""
    return math.inf if settings.allow_epochs else text.free_tokens


def text_limits(text: Corpus, before: float, after: float) -> Notice:
    """The notice that the planned run has `after` FLOPs and not `before`, since `text` has no tokens for more."""
    tokens = f"{format_quantity(text.free_tokens)} tokens ({format_number(FREE_EPOCHS)} epochs)"
    return Notice(
        code="text_limits_plan",
        message=f"the text suffices for runs of {tokens}: the planned run has {format_flops(after, 2)} FLOPs of "
        f"{format_flops(before, 2)}; more text, or --allow-epochs, gives it the others",
    )
