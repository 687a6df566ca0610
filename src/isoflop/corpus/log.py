"""What readers met: problems end a build, notices travel with the corpus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from isoflop.errors import InputError, Notice

_MOST_TOLD = 20
_MARKERS = ("<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "</s>", "<eos>")
"""How the vocabularies of published models spell the end of a text."""


@dataclass
class ReadingLog:
    """What readers met. Problems end the build; notices travel into corpus.json."""

    problems: list[str] = field(default_factory=list)
    """The first 20, each with its file and place."""
    count: int = 0
    """How many problems there were in all."""
    notices: list[Notice] = field(default_factory=list)
    null_rows: Counter[str] = field(default_factory=Counter)
    """{file: rows whose text is null}; they are left out."""
    chats: int = 0
    """Records that were conversations."""
    separated: int = 0
    """Places where the separator ended a document."""
    markers: Counter[str] = field(default_factory=Counter)
    """{marker of an end of text: how often it stands in the text as letters}."""

    def problem(self, message: str) -> None:
        """Note one thing that must be mended."""
        self.count += 1
        if len(self.problems) < _MOST_TOLD:
            self.problems.append(message)

    def look(self, text: str) -> None:
        """Count the markers of an end of text in a document."""
        for marker in _MARKERS if "<|" in text else _MARKERS[4:]:
            if found := text.count(marker):
                self.markers[marker] += found

    def check(self) -> None:
        """Raise one InputError that lists the problems, if there were any."""
        if not self.problems:
            return
        more = [f"and {self.count - len(self.problems)} more"] if self.count > len(self.problems) else []
        raise InputError.gathered("text", [*self.problems, *more])

    def found(self, separator: str | None) -> list[Notice]:
        """Notices about what was counted, with the `separator` that was asked for."""
        made = []
        if rows := self.null_rows.total():
            files = ", ".join(list(self.null_rows)[:3]) + (" and others" if len(self.null_rows) > 3 else "")
            made.append(
                Notice(code="null_text", message=f"{rows:,} rows without text (null) were left out, in {files}")
            )
        if self.chats:
            text = f"{self.chats:,} records are conversations: read as one document each, a line `role: content` a turn"
            made.append(Notice(code="conversations", message=text))
        if separator is not None and not self.separated:
            text = f"--document-separator {separator!r} stands nowhere in the text: no document was ended by it"
            made.append(Notice(code="separator_not_found", message=text))
        if self.markers:
            marker, times = self.markers.most_common(1)[0]
            text = (
                f"{marker!r} stands {times:,} times in the text, as letters: no document ends there; "
                f"--document-separator {marker!r} ends them"
            )
            made.append(Notice(code="end_of_text_in_text", message=text))
        return made
