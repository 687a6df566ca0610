"""What can go wrong, and what a person is told.

IsoflopError            everything raised on purpose; carries the exit code of the command line
├── InputError          exit 2: bad usage or input; what was expected, what came, what to do
├── RefusedError        exit 3: understood, and refused: not identified, out of range, not enough rows
└── InterruptedStudy    exit 130: stopped by the user; the same command goes on

Notice                  a typed warning: a value with a code, stored in results and shown in the report
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class IsoflopError(Exception):
    """Any failure that isoflop raises on purpose; `exit_code` is what the command line exits with."""

    exit_code = 1


class InputError(IsoflopError):
    """Usage or input that cannot be used as it is. The message says what to do about it."""

    exit_code = 2

    @classmethod
    def gathered(cls, what: str, problems: Iterable[str]) -> InputError:
        """One error that lists every problem found in `what`, so that a file is mended in one go.

        >>> print(InputError.gathered("spec.json", ["tokens: missing", "seed: not a whole number"]))
        spec.json: 2 problems
          - tokens: missing
          - seed: not a whole number
        """
        found = list(problems)
        if len(found) == 1:
            return cls(f"{what}: {found[0]}")
        return cls("\n".join([f"{what}: {len(found)} problems", *(f"  - {problem}" for problem in found)]))


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
