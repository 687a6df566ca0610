"""Signs of life: how long a run has been silent, by this process's own clock, and how long is too long.

Times in files are never compared with a clock: two machines disagree, and a clock may jump. What counts is that a file
changed while this process was looking.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

from isoflop.runs.folder import RunFolder

LOOK_SECONDS = 5.0
"""The most that one look adds to a silence: a driver that was itself suspended did not hear anyone."""
HUNG_SECONDS = 600.0
"""The shortest silence after which a trainer of ours is held to hang: no step of a study comes near it."""
LOST_SECONDS = 60.0
"""The shortest silence after which a trainer on another machine, whose lock is not seen, is held to be gone."""
FIRST_SECONDS = 3600.0
"""The silence allowed before the first logged step, when nothing is known of the run's pace."""
TIMEOUT_FACTOR = 20.0
"""How many times its own longest expected silence a run may be silent."""


@dataclass
class Liveness:
    """How long folders have been silent while looked at."""

    _signs: dict[RunFolder, tuple[int, ...]] = field(default_factory=dict)
    _silent: dict[RunFolder, float] = field(default_factory=dict)
    _looked: dict[RunFolder, float] = field(default_factory=dict)

    def idle_seconds(self, folder: RunFolder) -> float:
        """Seconds since `folder` last changed, as far as they were watched; to be called every few seconds."""
        now, signs = time.monotonic(), _signs(folder)
        if self._signs.get(folder) != signs:
            self._signs[folder], self._silent[folder] = signs, 0.0
        else:
            self._silent[folder] += min(now - self._looked[folder], LOOK_SECONDS)
        self._looked[folder] = now
        return self._silent[folder]

    def forget(self, folder: RunFolder) -> None:
        """Begins anew with the next look."""
        self._signs.pop(folder, None)


def _signs(folder: RunFolder) -> tuple[int, ...]:
    """What a trainer at work changes: heartbeat, metrics, starts, and the names in checkpoints/."""
    found = []
    for path in (folder.heartbeat, folder.metrics, folder.attempts_file, folder.checkpoints):
        status = None
        with suppress(OSError):
            status = path.stat()
        found += [status.st_mtime_ns, status.st_size, status.st_ino] if status else [0, 0, 0]
    return tuple(found)


def timeout_seconds(folder: RunFolder, least: float) -> float:
    """Seconds of silence after which a run does not work any more, at least `least`.

    TIMEOUT_FACTOR times what it takes at its own pace from one logged step to the next, or to evaluate, whichever is
    longer; FIRST_SECONDS before its first logged step. The pace is wall time over steps, from metrics.jsonl.
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
    # Evaluation takes a third of training on as many tokens; that it is counted whole is part of the patience.
    steps = max(float(between), spec.eval_tokens / spec.batch_tokens)
    return max(least, TIMEOUT_FACTOR * float(seconds) / float(step) * steps)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
