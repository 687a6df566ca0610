"""How long a run has been idle, by this process's own clock, and the timeout after which its trainer counts as hung.

Times in files are never compared with a clock: two machines disagree, and a clock may jump. What counts is that a file
changed while this process was watching.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from isoflop.runs.folder import RunFolder
from isoflop.units import format_duration

LOOK_SECONDS = 5.0
"""The most that one look adds to the idle time: a driver that was itself suspended saw nothing."""
HUNG_SECONDS = 600.0
"""The shortest idle time after which a trainer of ours counts as hung: no step of a study comes near it."""
LOST_SECONDS = 60.0
"""The shortest idle time after which a trainer on another machine, whose lock is not seen, counts as gone."""
FIRST_SECONDS = 3600.0
"""The idle time allowed before the first logged step, when the run's pace is not known."""
TIMEOUT_FACTOR = 20.0
"""The timeout over the longest idle time that is expected at the run's own pace."""


@dataclass
class Liveness:
    """How long run folders have been idle while they were watched, in seconds of `clock`."""

    clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    _signs: dict[RunFolder, tuple[int, ...]] = field(default_factory=dict)
    _idle: dict[RunFolder, float] = field(default_factory=dict)
    _last_look: dict[RunFolder, float] = field(default_factory=dict)

    def idle_seconds(self, folder: RunFolder) -> float:
        """Seconds since `folder` last changed, as far as it was watched; to be called every few seconds."""
        now, signs = self.clock(), _signs(folder)
        if self._signs.get(folder) != signs:
            self._signs[folder], self._idle[folder] = signs, 0.0
        else:
            self._idle[folder] += min(now - self._last_look[folder], LOOK_SECONDS)
        self._last_look[folder] = now
        return self._idle[folder]

    def forget(self, folder: RunFolder) -> None:
        """Starts again from 0 at the next look."""
        self._signs.pop(folder, None)


def _signs(folder: RunFolder) -> tuple[int, ...]:
    """What a working trainer changes: heartbeat, metrics, starts, and the names in checkpoints/."""
    signs = []
    for path in (folder.heartbeat, folder.metrics, folder.attempts_file, folder.checkpoints):
        status = None
        with suppress(OSError):
            status = path.stat()
        signs += [status.st_mtime_ns, status.st_size, status.st_ino] if status else [0, 0, 0]
    return tuple(signs)


def timeout_seconds(folder: RunFolder, least: float) -> float:
    """Idle seconds after which a run is no longer being worked on, at least `least`.

    TIMEOUT_FACTOR times what the run takes at its own pace from one logged step to the next, or to evaluate, whichever
    is longer; FIRST_SECONDS before its first logged step. The pace is wall time over steps, from metrics.jsonl.
    """
    logged = [
        (line["step"], line["wall_seconds"])
        for line in folder.read_metrics().lines
        if _is_positive(line.get("step")) and _is_positive(line.get("wall_seconds"))
    ]
    if not logged:
        return max(least, FIRST_SECONDS)
    step, seconds = logged[-1]
    spec = folder.read_spec()
    between = max([step - before for before, _ in logged[-2:-1]] or [step])
    # Evaluation takes a third of training on as many tokens; to count it whole only lengthens the timeout.
    steps = max(float(between), spec.eval_tokens / spec.batch_tokens)
    return max(least, TIMEOUT_FACTOR * float(seconds) / float(step) * steps)


def unseen_message(folder: RunFolder, least: float) -> str:
    """Who may still be at work on `folder` unseen, and when it is started again; `least` as in `timeout_seconds`."""
    limit = format_duration(timeout_seconds(folder, least))
    return (
        f"{folder.unseen_holder()} started it and may still be at work there; it is started again after {limit} "
        f"without a sign of life, or at once when {folder.lock_file} is deleted"
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
