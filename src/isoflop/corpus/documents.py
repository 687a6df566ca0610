"""What all readers of text share: source files by domain, a log of what is wrong, separators of documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from isoflop.errors import InputError, Notice

_MOST_LISTED = 20
_MARKERS = ("<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "</s>", "<eos>")
"""How the vocabularies of published models spell the end of a text."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "\\": "\\"}


@dataclass
class ReadingLog:
    """What readers found. Problems end the build, notices are stored in corpus.json."""

    problems: list[str] = field(default_factory=list)
    """The first 20 problems, each with its file and place."""
    count: int = 0
    """Number of all problems."""
    notices: list[Notice] = field(default_factory=list)
    null_rows: Counter[str] = field(default_factory=Counter)
    """{file: rows whose text is null, which are left out}."""
    chats: int = 0
    """Records that were conversations."""
    separated: int = 0
    """Places where the separator ended a document."""
    markers: Counter[str] = field(default_factory=Counter)
    """{marker of an end of text: how often the text spells it out}."""

    def problem(self, message: str) -> None:
        """Record one thing that must be fixed."""
        self.count += 1
        if len(self.problems) < _MOST_LISTED:
            self.problems.append(message)

    def count_markers(self, text: str) -> None:
        """Count the markers of an end of text in a document."""
        for marker in _MARKERS if "<|" in text else _MARKERS[4:]:
            if times := text.count(marker):
                self.markers[marker] += times

    def check(self) -> None:
        """Raise one InputError that lists the problems, if there are any."""
        if not self.problems:
            return
        more = [f"and {self.count - len(self.problems)} more"] if self.count > len(self.problems) else []
        raise InputError.gathered("text", [*self.problems, *more])

    def summary(self, separator: str | None) -> list[Notice]:
        """Notices about what was counted; `separator` is the one that the user stated."""
        notices = []
        if rows := self.null_rows.total():
            files = ", ".join(list(self.null_rows)[:3]) + (" and others" if len(self.null_rows) > 3 else "")
            notices.append(
                Notice(code="null_text", message=f"{rows:,} rows without text (null) were left out, in {files}")
            )
        if self.chats:
            text = f"{self.chats:,} records are conversations: read as one document each, a line `role: content` a turn"
            notices.append(Notice(code="conversations", message=text))
        if separator is not None and not self.separated:
            text = f"--document-separator {separator!r} does not occur in the text: it ended no document"
            notices.append(Notice(code="separator_not_found", message=text))
        if self.markers:
            marker, times = self.markers.most_common(1)[0]
            text = (
                f"the text spells out {marker!r} {times:,} times, and no document ends there; "
                f"--document-separator {marker!r} ends them"
            )
            notices.append(Notice(code="end_of_text_in_text", message=text))
        return notices


Reader = Callable[[Path, ReadingLog], Iterator[str]]
"""Yields the documents of a file, and writes what is wrong into the log."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to read."""

    path: Path
    label: str
    """Its name inside the package or folder, the same wherever that is installed."""
    reader: Reader
    sha256: str | None = None
    """The SHA-256 that it should have, where that is known."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A kind of text, with a validation set of its own."""

    name: str
    files: tuple[SourceFile, ...]
    notices: tuple[Notice, ...] = ()
    """What of it is not read."""


def separator_of(written: str) -> str:
    r"""The separator as it stands in the text, from how it is typed: \n, \r, \t, \f and \\ are read as in Python.

    Raises InputError for an empty one.

    >>> separator_of(r"\n\n\n"), separator_of("<|endoftext|>")
    ('\n\n\n', '<|endoftext|>')
    """
    separator = re.sub(r"\\([nrtf\\])", lambda match: _ESCAPES[match[1]], written)
    if not separator:
        raise InputError("--document-separator: expected a text such as '<|endoftext|>', got an empty text")
    return separator.replace("\r\n", "\n").replace("\r", "\n")


def separated(blocks: Iterable[str], separator: str, log: ReadingLog, longest: int) -> Iterator[str]:
    """The documents of a text in `blocks`, cut at each `separator`, which belongs to none of them.

    A document of more than `longest` characters becomes several, cut at line ends, so that memory does not grow.
    """
    rest = ""
    for block in blocks:
        *whole, rest = (rest + block.replace("\r\n", "\n").replace("\r", "\n")).split(separator)
        log.separated += len(whole)
        yield from whole
        while len(rest) > longest:
            # the end may be the first half of a separator
            cut = rest.rfind("\n", 0, longest - len(separator)) + 1 or max(1, longest - len(separator))
            yield rest[:cut]
            rest = rest[cut:]
    yield rest
