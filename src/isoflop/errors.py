"""What can go wrong, and the messages about it.

IsoflopError            everything raised on purpose; carries the exit code of the command line
├── InputError          exit 2: bad usage or input; what was expected, what came, what to do
├── RefusedError        exit 3: understood, and refused: not identified, out of range, not enough rows
└── InterruptedStudy    exit 130: stopped by the user; the same command resumes

OFF_COURSE              exit 4: no error, but the answer that a run is off its course

Notice                  a typed warning: a value with a code, stored in results and shown in the report

What a file or an option holds may be anything: `quoted` shows it inside a message, `printable` makes a whole message
fit for a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches


class IsoflopError(Exception):
    """Any failure that isoflop raises on purpose; `exit_code` is what the command line exits with."""

    exit_code = 1


class InputError(IsoflopError):
    """Usage or input that cannot be used as it is. The message says what to do about it."""

    exit_code = 2

    @classmethod
    def gathered(cls, what: str, problems: Iterable[str]) -> InputError:
        """One error that lists every problem in `what`, so that a file can be fixed at once.

        >>> print(InputError.gathered("spec.json", ["tokens: missing", "seed: not a whole number"]))
        spec.json: 2 problems
          - tokens: missing
          - seed: not a whole number
        """
        listed = list(problems)
        if len(listed) == 1:
            return cls(f"{what}: {listed[0]}")
        return cls("\n".join([f"{what}: {len(listed)} problems", *(f"  - {problem}" for problem in listed)]))


OFF_COURSE = 4
"""What the command line exits with where a run is off its course, so that a job script can act: see `--fail-on`."""


class RefusedError(IsoflopError):
    """The question was understood and the data or the domain cannot answer it. `code` is stable."""

    exit_code = 3

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InterruptedStudy(IsoflopError):
    """Stopped before the end by the user; everything finished is kept and the same command resumes."""

    exit_code = 130


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A typed warning. Notices are values: they travel inside results into reports and JSON."""

    code: str
    """Stable, lower case with underscores, e.g. `vertex_outside`."""
    message: str
    """One sentence for a person, with the numbers that led to it."""

    def as_json(self) -> dict[str, str]:
        """The `{code, message}` object of every JSON answer."""
        return {"code": self.code, "message": self.message}


def close_names(name: str, names: Iterable[str], also_called: Mapping[str, Iterable[str]] | None = None) -> str:
    """Returns the names that are most like a mistyped one, as text: `a, b or c`.

    `also_called` has other words for a name. Where nothing is similar, all names are returned.

    >>> close_names("hofman", ["hoffmann", "kaplan"]), close_names("chinchilla", ["a", "b"], {"a": ["Chinchilla"]})
    ('hoffmann', 'a')
    """
    listed, other = list(names), also_called or {}
    words = {word.lower(): known for known in listed for word in (known, *other.get(known, ()))}
    by_word = [known for known in listed if name.lower() in {word.lower() for word in other.get(known, ())}]
    similar = by_word or [words[word] for word in get_close_matches(name.lower(), list(words), n=3, cutoff=0.5)]
    found = list(dict.fromkeys(similar)) or listed
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"


# C0 but for tabs, DEL and C1, which terminals obey; marks that turn the direction of what follows; half surrogates, as
# paths that are not UTF-8 hold them, which no encoder takes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MOST_QUOTED = 60
"""Characters of somebody's value in a message: enough to find it again."""
_MOST_LINE, _MOST_LINES = 2000, 24
"""Characters of a line and lines of a message: a screen."""


def printable(text: str) -> str:
    r"""`text` as a terminal may be sent it: one line, control characters and half surrogates written as escapes.

    >>> printable("\x1b[31mred\x1b[0m")
    '\\x1b[31mred\\x1b[0m'
    """
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def quoted(value: object, most: int = _MOST_QUOTED) -> str:
    """The value of an option, a cell or a file inside a message: as Python writes it, cut where it is long.

    >>> quoted("7x"), quoted("9" * 5000, most=5)
    ("'7x'", "'99999'... (5,000 characters)")
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**most:
        return f"a whole number of more than {most} digits"
    if isinstance(value, str):
        return repr(value) if len(value) <= most else f"{value[:most]!r}... ({len(value):,} characters)"
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def screenful(message: str) -> str:
    """A message of several lines as a terminal is sent it: each line printable, and at most a screen in all."""
    lines = [printable(_shortened(line)) for line in message.split("\n")]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"  and {len(lines) - _MOST_LINES:,} lines more"]
    return "\n".join(lines)


def _shortened(line: str) -> str:
    """The line without its middle where it is longer than a screen takes."""
    if len(line) <= _MOST_LINE:
        return line
    half = _MOST_LINE // 2
    return f"{line[:half]} ... ({len(line) - 2 * half:,} characters) ... {line[-half:]}"
