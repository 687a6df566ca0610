"""What an engine is: it is handed run folders and says how each trainer ended. The facts are in the folders."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from isoflop.runs.folder import RunFolder

Outcome = Literal["finished", "stopped", "locked", "refused", "killed", "crashed", "lost"]
STOP_SECONDS = 60.0
"""How long a stopped trainer may take to save its checkpoint before it is killed."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A trainer no longer works on a folder."""

    folder: RunFolder
    outcome: Outcome
    """`finished`: there is a result, good or bad. `stopped`: after a checkpoint, by a signal. `locked`: another process
    works in the folder. `refused`: unusable input or a full disk, the message says which. `killed`: by a signal that
    leaves no time, or with its machine. `crashed`: anything else. `lost`: its machine no longer answers, and it may
    still be at work there; after all others its process is known to be gone."""
    message: str
    """One sentence for a person; empty when finished."""

    @property
    def reason(self) -> str:
        """Why it has no result."""
        return self.message or "its trainer ended without a result"


class Engine(Protocol):
    """Runs trainers on folders. Passes `engines.contract.EngineContract`."""

    @property
    def free(self) -> int:
        """How many more folders `start` takes now."""

    def next_of(self, waiting: Iterable[RunFolder]) -> RunFolder | None:
        """Which of `waiting`, longest first, to start now; None where all are better off when another run has ended."""

    def start(self, folder: RunFolder) -> None:
        """Sets a trainer to work on `folder`, to train or to resume it, and returns at once. Needs `free` > 0."""

    def poll(self, timeout: float) -> list[Ended]:
        """What ended since the last call; waits up to `timeout` seconds for the first."""

    def kill(self, folder: RunFolder) -> None:
        """Ends the trainer of `folder` at once, which `poll` then reports; nothing when the engine has none there."""

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Has all trainers save a checkpoint and end; kills those that have not after `seconds`."""

    def close(self) -> None:
        """Ends everything that the engine holds. Trainers still at work are killed; their folders stay resumable."""


def outcome_of(exit_code: int) -> Outcome:
    """The outcome that a trainer's exit code stands for; a negative one is a signal, as subprocess reports it.

    >>> [outcome_of(code) for code in (0, 2, 3, 130, 143, -9, 137, 1)]
    ['finished', 'refused', 'locked', 'stopped', 'stopped', 'killed', 'killed', 'crashed']
    """
    codes: dict[int, Outcome] = {
        0: "finished",
        2: "refused",
        3: "locked",
        128 + signal.SIGINT: "stopped",
        128 + signal.SIGTERM: "stopped",
    }
    if exit_code < 0 or exit_code == 128 + signal.SIGKILL:  # 137 is how shells and containers report -9
        return "killed"
    return codes.get(exit_code, "crashed")


def message_of(exit_code: int, last_line: str) -> str:
    """One sentence on an exit code and the last line that the trainer printed to stderr.

    >>> message_of(-9, "")
    'its trainer was killed by SIGKILL (which is also what the system does when memory runs out)'
    >>> message_of(1, "ValueError: x")
    'its trainer crashed with exit code 1: ValueError: x'
    """
    outcome = outcome_of(exit_code)
    reason = f": {last_line}" if last_line else ""
    if outcome == "finished":
        return ""
    if outcome == "refused":
        return last_line or "its trainer refused the input"
    if outcome == "locked":
        return "another process works on it"
    if outcome == "stopped":
        return "its trainer was stopped and saved a checkpoint"
    if outcome == "crashed":
        return f"its trainer crashed with exit code {exit_code}{reason}"
    number = -exit_code if exit_code < 0 else exit_code - 128
    name = signal.Signals(number).name if number in {s.value for s in signal.Signals} else f"signal {number}"
    hint = " (which is also what the system does when memory runs out)" if number == signal.SIGKILL else reason
    return f"its trainer was killed by {name}{hint}"
