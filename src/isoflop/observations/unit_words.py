"""One table of unit words for all quantities, wherever a column's name or an option writes them.

>>> read_unit("billions"), read_unit("GFLOPs").scale, read_unit("PF-days").scale, read_unit("bits/token").noun
(Unit(scale=1000000000.0, noun=''), 1000000000.0, 8.64e+19, 'bits_per_token')
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# What a unit word multiplies, for counts of anything.
_COUNT_WORDS = {
    "k": 1e3, "thousand": 1e3, "thousands": 1e3, "kilo": 1e3,
    "m": 1e6, "mm": 1e6, "mn": 1e6, "mil": 1e6, "mio": 1e6, "mln": 1e6, "million": 1e6, "millions": 1e6, "mega": 1e6,
    "b": 1e9, "bn": 1e9, "bil": 1e9, "bln": 1e9, "mrd": 1e9, "billion": 1e9, "billions": 1e9, "g": 1e9, "giga": 1e9,
    "t": 1e12, "tn": 1e12, "tril": 1e12, "trn": 1e12, "trillion": 1e12, "trillions": 1e12, "tera": 1e12,
}  # fmt: skip
# SI prefixes of FLOPs beyond those, by letter and by word.
_SI = {
    "": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24, "kilo": 1e3,
    "mega": 1e6, "giga": 1e9, "tera": 1e12, "peta": 1e15, "exa": 1e18, "zetta": 1e21, "yotta": 1e24,
}  # fmt: skip
_SECONDS = {"day": 86400.0, "hour": 3600.0, "hr": 3600.0, "year": 365.25 * 86400.0}
_NOUNS = {
    "flops": "flops", "flop": "flops", "flos": "flops", "tokens": "tokens", "token": "tokens", "tok": "tokens",
    "toks": "tokens", "params": "params", "param": "params", "parameters": "params", "parameter": "params",
    "steps": "steps", "sequences": "sequences", "seqs": "sequences", "samples": "sequences",
}  # fmt: skip
# Units of a loss, as names write them after "/" becomes "per"; losses in "other" units are not read.
_LOSSES = {
    "nats": "nats_per_token", "nat": "nats_per_token", "nats per token": "nats_per_token", "npt": "nats_per_token",
    "nats token": "nats_per_token", "bits": "bits_per_token", "bit": "bits_per_token",
    "bits per token": "bits_per_token", "bits token": "bits_per_token", "bpt": "bits_per_token",
    "perplexity": "perplexity", "ppl": "perplexity", "pplx": "perplexity", "perplexities": "perplexity",
    "token perplexity": "perplexity",
    "bits per byte": "bits_per_byte", "bits byte": "bits_per_byte", "bpb": "bits_per_byte",
    "nats per byte": "nats_per_byte", "nats byte": "nats_per_byte", "npb": "nats_per_byte",
    "bits per character": "bits_per_character", "bits per char": "bits_per_character",
    "bits char": "bits_per_character", "bpc": "bits_per_character",
    "nats per character": "nats_per_character", "nats per char": "nats_per_character", "npc": "nats_per_character",
    "word perplexity": "other", "byte perplexity": "other", "word ppl": "other", "byte ppl": "other",
    "bits per word": "other", "nats per word": "other", "bpw": "other", "bits per dim": "other",
}  # fmt: skip
_FLOP = re.compile(
    r"(kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])?[ -]?flo(?:p?s?)( ?(?:/|per) ?s(?:ec|econd)?| s)?"
)
# "PF-days", "pflop/s-day", "petaflop s days": a rate times a time is a number of operations.
_FLOP_TIME = re.compile(
    r"(kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])[ -]?f(?:lops?)?(?: ?/ ?s| ?per ?s)?(?: s)?[ -]?"
    r"(day|hour|hr|year)s?"
)
_POWER = re.compile(r"(?:x ?|\* ?)?(?:(1(?:\.0*)?e[+-]?\d{1,2})|10 ?(?:\^|\*\*) ?\(?([+-]?\d{1,2})\)?)")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
# Signs that look the same become one: minus and dashes, times and middle dots.
_SIGNS = str.maketrans("−‐‑‒–—×·⋅∙", "------xxxx")
_LONGEST = 200  # characters of a name or unit that are read; a longer one has no unit


@dataclass(frozen=True)
class Unit:
    """The meaning of a unit word."""

    scale: float = 1.0
    """Units of one that a number counts."""
    noun: str = ""
    """What is counted: flops, tokens, params, a unit of losses, `flops_per_second`; empty where open."""


def plain_text(text: str) -> str:
    """`text` in the signs of a keyboard: one kind of space, minus, times, powers as `^21`, no surrounding spaces."""
    if text.isascii():
        return text.strip()
    raised = _RAISED.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    return " ".join(unicodedata.normalize("NFKC", raised.translate(_SIGNS)).split())


def read_unit(text: str) -> Unit | None:
    """The unit that the whole of `text` names, in upper or lower case; None where it is no unit.

    `E`, `P`, `Z` and `Y` alone are no unit here: only FLOPs are counted in them, see `letter_scale`.
    """
    if len(text) > _LONGEST:
        return None
    words = re.sub(r"[_\s]+", " ", plain_text(text).lower()).strip(" #")
    words = re.sub(r"^(?:in|of|x(?= \d)) ", "", words)
    spent = _FLOP_TIME.fullmatch(words)
    if spent:
        return Unit(_SI[spent[1]] * _SECONDS[spent[2]], "flops")
    flops = _FLOP.fullmatch(words)
    if flops:
        return Unit(_SI[flops[1] or ""], "flops_per_second" if flops[2] else "flops")
    loss = _LOSSES.get(re.sub(r" +", " ", words.replace("/", " per ").replace("-", " ")))
    if loss is not None:
        return Unit(1.0, loss)
    head, _, noun = words.rpartition(" ")
    if noun in _NOUNS:
        inner = _factor(head) if head else 1.0
        return None if inner is None else Unit(inner, _NOUNS[noun])
    factor = _factor(words)
    return None if factor is None else Unit(factor)


def letter_scale(letter: str) -> float | None:
    """FLOPs in a unit of a single letter: `E` is 1e18; None for other letters."""
    return _SI.get(letter.lower()) if letter else None


def _factor(words: str) -> float | None:
    if words in _COUNT_WORDS:
        return _COUNT_WORDS[words]
    power = _POWER.fullmatch(words)
    if power is None:
        return None
    return float(power[1]) if power[1] else float(f"1e{int(power[2])}")


def scale_words() -> tuple[str, ...]:
    """Some of the words that `--scale` takes, for messages."""
    return ("thousands", "millions", "billions", "trillions", "gigaflops", "petaflops", "exaflops", "pf_days")
