"""The table of codes: what each warning and each refusal means, and what to do about it (codes.toml)."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from isoflop.errors import InputError

Kind = Literal["notice", "refusal"]
Weight = Literal["note", "care", "unsound"]
"""How far a notice limits an answer: not at all, with a reservation, or so far that it should not be used."""


@dataclass(frozen=True, kw_only=True)
class CodeEntry:
    """One code of a warning or a refusal."""

    code: str
    kind: Kind
    means: str
    remedy: str
    """What the user can do; in Markdown, with links between pages of docs/."""
    weight: Weight = "unsound"
    """A refusal gives no answer at all."""
    false_alarms: str = ""
    """How often it rings where nothing is wrong, with the bench that measured it; empty where nothing is tested."""


@cache
def all_codes() -> tuple[CodeEntry, ...]:
    """Returns every entry, notices first, in alphabetical order."""
    tables = tomllib.loads((files("isoflop") / "codes.toml").read_text(encoding="utf-8"))
    kinds: tuple[Kind, ...] = ("notice", "refusal")
    return tuple(
        CodeEntry(code=code, kind=kind, **fields) for kind in kinds for code, fields in sorted(tables[kind].items())
    )


def entries_of(code: str) -> tuple[CodeEntry, ...]:
    """Returns the entries of a code, which may be a notice, a refusal or both. Raises InputError for an unknown one."""
    entries = tuple(entry for entry in all_codes() if entry.code == code)
    if not entries:
        near = difflib.get_close_matches(code, sorted({entry.code for entry in all_codes()}), n=5, cutoff=0.4)
        raise InputError(f"code: did you mean {', '.join(near)}? docs/codes.md lists all; got {code!r}")
    return entries


def codes_markdown() -> str:
    """Returns the page docs/codes.md."""
    lines = [
        "# Codes of warnings and refusals",
        "",
        "Made by `isoflop explain --markdown > docs/codes.md`. A code is stable from version to version: it stands in",
        "brackets after a warning on stderr, in `--json` under `warnings` and `notices`, and on a report's page.",
        "`isoflop explain CODE` prints an entry. The weight of a warning says how far it limits the answer: a *note*",
        "does not, *care* is a reservation, and *unsound* means that the answer, or its named part, is not to be used.",
    ]
    bar = "\\|"
    for kind, title in (("notice", "Warnings"), ("refusal", "Refusals")):
        lines += ["", f"## {title}", ""]
        weighted = kind == "notice"
        lines += ["| code | weight | meaning | what to do |" if weighted else "| code | meaning | what to do |"]
        lines += ["|---|---|---|---|" if weighted else "|---|---|---|"]
        for entry in all_codes():
            if entry.kind == kind:
                cells = [f"`{entry.code}`", *([entry.weight] if weighted else []), entry.means, entry.remedy]
                # a bar inside a cell would end it
                lines.append(f"| {' | '.join(cell.replace('|', bar) for cell in cells)} |")
    lines += ["", "## False alarms", "", "| code | how often it rings where nothing is wrong |", "|---|---|"]
    lines += [f"| `{entry.code}` | {entry.false_alarms} |" for entry in all_codes() if entry.false_alarms]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How far an answer may be relied on, from the weights of its notices."""

    word: Literal["sound", "with care", "do not use"]
    codes: tuple[str, ...]
    """Codes of the notices that set the grade; none for a sound answer."""
    remedies: tuple[str, ...]
    """What would raise the grade, one for each code."""

    def lines(self) -> tuple[str, ...]:
        """The grade for people: its word, then for each code what would raise it, without Markdown's links."""
        plain = map(without_links, self.remedies)
        return self.word, *(f"{code}: {remedy}" for code, remedy in zip(self.codes, plain, strict=False))


def without_links(text: str) -> str:
    """A text for the terminal: the words of a Markdown link without its target."""
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)


def weight_of(code: str) -> Weight:
    """Returns the weight of a notice; a code outside the table counts as `care`."""
    return next((entry.weight for entry in all_codes() if entry.code == code and entry.kind == "notice"), "care")


def grade_of(codes: Iterable[str], *, refused: Iterable[str] = ()) -> Grade:
    """Returns the grade of an answer whose notices have these codes; a code in `refused`, of a refusal, is unsound."""
    remedies = {(entry.kind, entry.code): entry.remedy for entry in all_codes()}
    by_weight: dict[Weight, list[tuple[Kind, str]]] = {"unsound": [], "care": [], "note": []}
    by_weight["unsound"] += [("refusal", code) for code in dict.fromkeys(refused)]
    for code in dict.fromkeys(codes):
        by_weight[weight_of(code)].append(("notice", code))
    limiting: Weight = "unsound" if by_weight["unsound"] else "care"
    if found := by_weight[limiting]:
        return Grade(
            word="do not use" if limiting == "unsound" else "with care",
            codes=tuple(dict.fromkeys(code for _, code in found)),
            remedies=tuple(remedies[entry] for entry in found if entry in remedies),
        )
    return Grade(word="sound", codes=(), remedies=())
