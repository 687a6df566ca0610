"""The parts of a column's name: path, words, unit, logarithm, sign.

>>> parts = name_readings("throughput/total_gflops")[-1]
>>> parts.words, parts.path, parts.unit.scale
(('total', 'flops'), ('throughput',), 1000000000.0)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from isoflop.observations.unit_words import Unit, letter_scale, plain_text, read_unit

_LOGS = re.compile(r"((?i:log_?10|log_?2|ln|log_?e|log))(?=[\s_([-]|[A-Z])[\s_([-]*(.+?)[\s)\]]*")
_LOG_LAST = re.compile(
    r"(.+?)[\s_,]*[\s_([,](?:in )?(log_?10|log_?2|ln|log_?e|log)(?:[ _-]?scale)?[\s)\]]*", re.IGNORECASE
)
_LOG_WORDS = {"log10": "log10", "log2": "log2", "ln": "ln", "loge": "ln", "log": "log"}
_NEGATIVE = re.compile(r"(?:neg(?:ative|ated)?|minus)[\s_-]+|-\s*(?=[A-Za-z(])", re.IGNORECASE)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]{0,60})[)\]]")
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?|[#%$]", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_RATE = re.compile(r"(flops?)\s*/\s*s(?:ec(?:ond)?)?(?![a-z])", re.IGNORECASE)
_PER = re.compile(r"(bits?|nats?|npt|perplexity)\s*/\s*(tokens?|bytes?|char\w*|words?)(?![a-z])", re.IGNORECASE)
_MOST_UNIT_WORDS = 4
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class NameParts:
    """One interpretation of a name."""

    words: tuple[str, ...]
    """Words of the last part in lower case without unit and logarithm; what the unit counts comes last."""
    path: tuple[str, ...] = ()
    """The parts before it, in lower case."""
    unit: Unit | None = None
    """The unit in the name, if any."""
    letter: str = ""
    """A unit of one letter, which has a meaning for FLOPs only: `E`, `P`, `Z`, `Y`."""
    logarithm: str = ""
    """`log10`, `log2`, `ln`, or `log` where the base is open."""
    negative: bool = False
    """Whether the name states a reversed sign."""
    ratio: bool = False
    """Whether the name divides one quantity by another: `FLOPs/token`, `D/N`."""

    @property
    def plain(self) -> str:
        """The words joined without spaces."""
        return "".join(word for word in self.words if word.isalnum())


def name_readings(name: str) -> list[NameParts]:
    """The interpretations of `name`, the one that removes the fewest words first."""
    text = plain_text(name)[:_LONGEST]
    negative = _NEGATIVE.match(text)
    if negative and not re.match(r"neg(?:ative)?[\s_-]*log", text, re.IGNORECASE):
        return [replace(parts, negative=True) for parts in name_readings(text[negative.end() :].strip("() "))]
    interpretations = _without_logarithm(text)
    path, slash, end = text.rpartition("/")
    log = _LOGS.fullmatch(text) or _LOGS.fullmatch(end)
    if log is not None:
        inner = log[2] if log.string == text else path + slash + log[2]
        interpretations += [replace(parts, logarithm=_log_word(log[1])) for parts in _without_logarithm(inner)]
    last = _LOG_LAST.fullmatch(text) if log is None else None
    if last is not None:
        interpretations += [replace(parts, logarithm=_log_word(last[2])) for parts in _without_logarithm(last[1])]
    return interpretations


def _log_word(text: str) -> str:
    return _LOG_WORDS[text.lower().replace("_", "")]


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case: separated by signs and by capitals."""
    return tuple(word.lower() for piece in _CAMEL.split(text) for word in _WORD.findall(piece))


def _without_logarithm(text: str) -> list[NameParts]:
    text, bracket, letter = _without_brackets(text)
    if bracket is None and "," in text:
        head, _, tail = text.rpartition(",")
        unit = read_unit(tail)
        if unit is not None and head.strip():
            text, bracket = head, unit
    text = _PER.sub(r"\1 per \2", _RATE.sub(r"\1 s", text))
    pieces = [piece for piece in re.split(r"/|\.(?!\d)", text) if piece.strip()] or [text]
    path, last = tuple(piece.strip().lower() for piece in pieces[:-1]), words_of(pieces[-1])
    ratio = bool(path) and "/" in text and _is_quantity(words_of(pieces[-2]))
    whole = NameParts(words=last, path=path, unit=bracket, letter=letter, ratio=ratio)
    if bracket is not None or letter:
        return [_with_noun(whole)]
    return [whole, *_stripped(whole)]


def _without_brackets(text: str) -> tuple[str, Unit | None, str]:
    """(text without units in brackets, the unit, a letter that is a unit of FLOPs only).

    Other words in brackets stay without their brackets, if they consist of letters, digits and a few signs.
    """
    unit, letter = None, ""
    for match in _BRACKETS.finditer(text):
        content = match[1].strip()
        read = read_unit(content)
        if read is not None and unit is None and match.start() > 0:
            unit, text = read, text.replace(match[0], " ", 1)
        elif len(content) == 1 and content in "PEZY":
            letter, text = content, text.replace(match[0], " ", 1)
        elif re.fullmatch(r"[\w ,&+-]*", content):
            text = text.replace(match[0], f" {content} ", 1)
    return text.strip(), unit, letter


def _stripped(whole: NameParts) -> list[NameParts]:
    """Interpretations with unit words removed from the end or the start of the last part."""
    words, interpretations = whole.words, []
    for count in range(min(_MOST_UNIT_WORDS, len(words)), 0, -1):
        # "tokens_in_billions", "billions_of_tokens": the longest unit comes first, before or after the rest
        last, first = words[-count:], words[:count]
        left = words[:-count]
        unit = read_unit(" ".join(last))
        if unit is not None and (unit.scale != 1.0 or unit.noun not in _COUNTED) and (left or unit.noun):
            left = left[:-1] if left[-1:] in (("in",), ("of",)) else left
            interpretations.append(_with_noun(replace(whole, words=left, unit=unit)))
        if count < len(words):
            unit = read_unit(" ".join(first))
            if unit is not None and unit.scale != 1.0:
                left = words[count + 1 :] if words[count] == "of" else words[count:]
                interpretations.append(_with_noun(replace(whole, words=left, unit=unit)))
    # "flops_E": a letter alone is a unit of FLOPs only, which the caller decides
    if len(words) > 1 and letter_scale(words[-1]) is not None:
        interpretations.append(replace(whole, words=words[:-1], letter=words[-1]))
    return interpretations


_COUNTED = ("flops", "tokens", "params", "steps", "sequences")
_HEADS = frozenset({"flops", "flop", "flos", "compute", "tokens", "token", "params", "parameters", "d", "n", "loss"})


def _with_noun(parts: NameParts) -> NameParts:
    """The parts with what the unit counts among the words: "total" and GFLOPs are "total flops"."""
    noun = parts.unit.noun if parts.unit is not None else ""
    if noun in _COUNTED and noun not in parts.words and not (noun == "flops" and set(parts.words) & _FLOP_WORDS):
        return replace(parts, words=(*parts.words, noun))
    return parts


_FLOP_WORDS = frozenset({"compute", "c", "budget", "flop", "flops", "flos"})


def _is_quantity(words: tuple[str, ...]) -> bool:
    return (bool(words) and words[-1] in _HEADS) or (
        len(words) == 1 and (read_unit(words[0]) or Unit()).noun == "flops"
    )
