"""What a kind of log has to do: tell whether a file or folder is one, and read the runs in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource


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
