"""Which columns hold a loss, by name, and in which unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from isoflop.observations.column_names import ONE_LETTER
from isoflop.observations.name_parts import NameParts, words_of
from isoflop.observations.unit_words import plain_text

# Whole names, letters and digits only; earlier ones win.
_NAMES = (
    "loss", "finalloss", "valloss", "validationloss", "vallossnats", "validloss", "testloss", "evalloss",
    "evaluationloss", "finalvalloss", "finalvalidationloss", "finalevalloss", "lossnats", "crossentropy",
    "crossentropyloss", "celoss", "ce", "lmloss", "lmlossvalidation", "validationlmloss", "nll", "nllloss", "valnll",
    "negativeloglikelihood", "negloglikelihood", "origloss", "trainloss", "trainingloss", "finaltrainloss",
    "finaltrainingloss", "xent", "valce", "heldoutloss", "devloss",
)  # fmt: skip
# A loss on one of several validation sets, or at the end of a tracker's path; and the words of Composer and OLMo.
_OF_A_SET = re.compile(
    r"loss[\[_/.: -].+|.*[/_.: -](loss|nll|ce|xent)|.*[/_. -]loss[_/. -].+|(?:.*[/_.-])?(language)?crossentropy(loss)?",
    re.IGNORECASE,
)
# Statistics of a loss, and other terms of the objective: not the loss.
_NO_LOSS = re.compile(
    r"std|stderr|(^|[_ .-])(se|sem|sd)([\[_ .-]|$)|error|lower|upper|\bci\b|conf_?int|variance|count|weight|coef|scale|"
    r"(^|[/_. -])(z|aux|router|kl|l1|l2|moe|mtp|balanc\w*|regulari\w*|distill\w*)[_ ]?loss|loss_t$|delta|diff|"
    r"(^|[/_. -])(pred\w*|expected|target|fit|fitted|excess|reducible|irreducible|initial|init|start\w*|first|before|"
    r"relative|normali[sz]ed|ratio|gap|improvement|spikes?)([/_. -]|$)|%|\(x ?\d",
    re.IGNORECASE,
)
# Variants of a loss: where the loss itself is a column too, the user must choose.
_SMOOTHED = frozenset({
    "smooth", "smoothed", "ema", "avg", "average", "averaged", "rolling", "running", "moving",
    "filtered", "denoised",
})  # fmt: skip
_LESSER = frozenset({
    "min", "max", "minimum", "maximum", "best", "lowest",
})  # fmt: skip
_OF_LESS = 3500
_LIKELIHOOD = re.compile(
    r"(?:mean |avg |average )?(?:token )?log ?(?:likelihood|prob|probs|probability|lik)(?: per token)?"
)
# The logarithm of a perplexity is a loss: in nats, in bits, and to base ten in units of ln 10 nats.
_OF_PERPLEXITY = {"log": ("nats_per_token", 1.0), "ln": ("nats_per_token", 1.0), "log2": ("bits_per_token", 1.0),
                  "log10": ("nats_per_token", 2.302585092994046)}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LossName:
    """What a name says about a loss."""

    rank: int
    """The lowest is the best: whole names from 0, patterns 2000, other units 3000, smoothed and best 3500, L 4000."""
    unit: str = ""
    """One of LOSS_UNITS, where the name states it."""
    scale: float = 1.0
    """Factor from the number to that unit: -1 where the sign is reversed."""
    logarithm: str = ""
    """`log10`, `log2` or `ln` where the cells are logarithms of the loss; `log` where the base is open."""


def loss_of(name: str, readings: list[NameParts]) -> LossName | None:
    """What `name`, whose interpretations are `readings`, says about a loss; None where it names none."""
    text = plain_text(name)
    if _NO_LOSS.search(text):
        return None
    words = words_of(text)
    sign = -1.0 if readings[0].negative else 1.0
    likelihood = _LIKELIHOOD.fullmatch(" ".join(word for word in words if word not in ("neg", "negative", "minus")))
    if likelihood is not None:
        reversed_sign = bool(set(words) & {"neg", "negative", "minus"}) or readings[0].negative
        return LossName(rank=2000, unit="nats_per_token", scale=1.0 if reversed_sign else -1.0)
    in_unit = _in_unit(readings, words, sign)
    if in_unit is not None:
        return in_unit if in_unit.unit != "other" else None
    log = next((parts for parts in readings if parts.logarithm), None)
    if log is not None and _rank(log, "".join(log.words)) is not None:
        return LossName(rank=2400, logarithm=log.logarithm)
    parts = readings[0]
    rank = _rank(parts, text)
    if rank is None or (parts.unit is not None and not parts.unit.noun):
        return None
    lesser = set(words) & (_SMOOTHED | _LESSER)
    return LossName(rank=_OF_LESS if lesser else rank, scale=sign)


def is_smoothed(name: str) -> bool:
    """Whether a name states that its numbers are means over steps: the same loss with less scatter."""
    return bool(set(words_of(plain_text(name))) & _SMOOTHED)


def _in_unit(readings: list[NameParts], words: tuple[str, ...], sign: float) -> LossName | None:
    for parts in sorted(readings, key=lambda parts: not parts.logarithm):
        unit = parts.unit.noun if parts.unit is not None else ""
        if unit not in UNITS:
            continue
        if unit == "other" or ({"word", "byte", "words", "bytes"} & set(parts.words) and unit == "perplexity"):
            return LossName(rank=3000, unit="other")
        if parts.logarithm and unit == "perplexity":
            unit, scale = _OF_PERPLEXITY[parts.logarithm]
            return LossName(rank=3000, unit=unit, scale=scale * sign)
        if parts.logarithm:
            return LossName(rank=2400, unit=unit, logarithm=parts.logarithm)
        plain = parts.plain
        if unit == "nats_per_token":
            rank = _NAMES.index(plain) if not parts.path and plain in _NAMES else 2000
        else:
            rank = 3000
        lesser = set(words) & (_SMOOTHED | _LESSER)
        return LossName(rank=_OF_LESS if lesser else rank, unit=unit, scale=sign)
    # a unit in the middle of a name: "ppl_c4", "eval/perplexity/wikitext", "bits_per_byte[web]"
    for count in (3, 2, 1):
        for at in range(len(words) - count + 1):
            unit = _UNIT_PHRASES.get(" ".join(words[at : at + count]), "")
            if unit:
                return LossName(rank=3100, unit=unit, scale=sign)
    return None


UNITS = (
    "nats_per_token", "bits_per_token", "perplexity", "bits_per_byte", "nats_per_byte", "bits_per_character",
    "nats_per_character", "other",
)  # fmt: skip
_UNIT_PHRASES = {
    "ppl": "perplexity", "perplexity": "perplexity", "bits per byte": "bits_per_byte", "bpb": "bits_per_byte",
    "bits per token": "bits_per_token", "bpt": "bits_per_token", "bits per char": "bits_per_character",
    "bits per character": "bits_per_character", "bpc": "bits_per_character", "nats per byte": "nats_per_byte",
}  # fmt: skip


def _rank(parts: NameParts, text: str) -> int | None:
    """The rank of a name without another unit: a whole name, one of a set, the letter L; None for no loss."""
    plain = parts.plain
    whole = "".join(char for char in text.lower() if char.isalnum())
    if whole in _NAMES or (not parts.path and plain in _NAMES):
        return _NAMES.index(whole if whole in _NAMES else plain)
    if plain == "l" and not parts.path:
        return ONE_LETTER
    return 2000 if _OF_A_SET.fullmatch(text) else None
