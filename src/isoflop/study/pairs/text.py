"""The text of a side: the study's, or a mixture of the same domains by other weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from isoflop.corpus import Corpus, build_corpus
from isoflop.errors import InputError
from isoflop.recipe.file import RecipeFile
from isoflop.study.training_stages import Study


def text_of(study: Study, text: Corpus, recipe: RecipeFile, place: Path, name: str) -> Corpus:
    """The text that `recipe` names: that of the study, `text`, or a mixture of its domains, built in `place`.

    Raises InputError for text of another kind, and for a mixture whose validation text is not the study's: losses on
    different text do not compare.
    """
    named, settings = recipe.corpus, study.settings
    same_kind = named.name in (None, settings.corpus)
    if not same_kind or (named.text is not None and tuple(named.text) != tuple(settings.text)):
        raise InputError(
            f"{name}: [corpus] names other text than the study's; pairs are compared on one validation text: take "
            "weights of the study's domains, or begin a study with text of both"
        )
    if not named.weights or dict(named.weights) == dict(settings.sources.weights):
        return text
    mixed = build_corpus(
        place,
        replace(settings.sources, weights=dict(named.weights)),
        tokenizer=settings.tokenizer,
        end_of_text=settings.end_of_text,
        seed=settings.seed,
        progress=study.listener.share,
    )
    for notice in mixed.notices:
        study.listener.notice(notice)
    matching = mixed.vocab_size == text.vocab_size and mixed.validation.keys() == text.validation.keys()
    if not matching or any(not np.array_equal(tokens, mixed.validation[of]) for of, tokens in text.validation.items()):
        raise InputError(
            f"{name}: the mixture has other validation tokens than the study; a tokenizer that is learned from the "
            "text differs with it: take bytes, or a tokenizer.json"
        )
    return mixed
