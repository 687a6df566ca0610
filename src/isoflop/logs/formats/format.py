"""What a kind of log has to do: tell whether a file or folder is one, and read the runs in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource


class GrowingRuns(Protocol):
    """The runs of a log that is read a part at a time, while its writer appends lines to it."""

    @property
    def file(self) -> Path:
        """The file that grows; it need not be there yet."""
        ...

    @property
    def also(self) -> tuple[Path, ...]:
        """Files that `runs` reads again each time, and whose change is one of the log."""
        ...

    def feed(self, content: bytes) -> None:
        """Takes the bytes that follow those of the calls before: whole lines, each with its end.

        Raises InputError where they cannot be of this log.
        """
        ...

    def runs(self) -> tuple[LoggedRun, ...]:
        """The runs up to now, as `LogFormat.read` would have them; none where nothing is known yet."""
        ...


@dataclass(frozen=True, kw_only=True)
class LogFormat:
    """A kind of log."""

    name: str
    """Lower case with underscores, stable: `trainer_state`."""
    words: str
    """What people call it, for messages: "trainer_state.json of Hugging Face transformers"."""
    recognise: Callable[[LogSource], bool]
    """Whether a file or folder is of this kind, by its first bytes or its entries; never by its name alone.

    Cheap, without imports beyond the standard library. A folder that is recognised is read as one log and not entered.
    """
    read: Callable[[LogSource, LogOptions], tuple[LoggedRun, ...]]
    """The runs in it. Raises InputError for one that is damaged, and where a package is missing that reading needs.

    Names need be unique within one source only. The way from names and numbers to a run is `build.logged_run`.
    """
    companions: frozenset[str] = frozenset()
    """Names of files next to a log that its reader opens too, and that are no logs themselves."""
    grow: Callable[[LogSource, LogOptions], GrowingRuns | None] | None = None
    """The reader of a log that grows by lines; None where this one has to be read whole each time."""
