"""The follower: reads run folders and sends trackers what is new. It may be killed and restarted at any time.

Each step is sent once: a tracker says up to which step it has a run, or has it written again from the beginning. Runs
that were sent whole, with their result, are listed in sent.json and skipped; delete that file to send them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from isoflop.errors import InputError
from isoflop.files import write_json_atomically
from isoflop.json_values import json_value
from isoflop.regular_files import read_through_links
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.runs.result import RunResult
from isoflop.runs.trackers.base import Entry, TrackedRun, Tracker, last_point, points_of


@dataclass(kw_only=True)
class Sent:
    """How much this follower has sent to one tracker."""

    runs: int = 0
    """That something was sent of."""
    points: int = 0
    """Results included."""


@dataclass(kw_only=True)
class Follower:
    """Sends what is new in the run folders of `runs` to `trackers`; the caller closes it."""

    runs: Path
    """The folder of run folders."""
    trackers: Sequence[Tracker]
    sent_file: Path
    """{tracker, and where: ids of runs that are there whole}"""
    on_warning: Callable[[str], None]
    """Called once for a tracker that failed and is no longer used."""
    sent: dict[str, Sent] = field(default_factory=dict, init=False)
    _alive: list[Tracker] = field(init=False)
    _entries: dict[tuple[str, str], Entry] = field(default_factory=dict, init=False)
    _seen: dict[str, tuple[int, int, bool]] = field(default_factory=dict, init=False)
    """{run: size and time of its metrics, whether it had a result}, when it was last sent."""
    _whole: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._alive = list(self.trackers)
        self.sent = {tracker.name: Sent() for tracker in self.trackers}
        self._whole = _read_sent(self.sent_file)

    @property
    def failed(self) -> set[str]:
        """Trackers that failed and are no longer used."""
        return {tracker.name for tracker in self.trackers} - {tracker.name for tracker in self._alive}

    def look(self) -> None:
        """Sends what is new, now."""
        for folder in run_folders(self.runs):
            # the result first: once it is there no line of metrics is added
            with suppress(InputError):  # the study reports a spec or result that cannot be read
                result = folder.read_result()
                signs = (*_signs(folder), result is not None)
                if self._seen.get(folder.run_id) == signs:
                    continue
                self._each(folder, result)
                self._seen[folder.run_id] = signs

    def close(self) -> None:
        """Closes what is open: runs without a result as interrupted."""
        for tracker in list(self._alive):
            for key in [key for key in self._entries if key[0] == tracker.name]:
                self._guarded(tracker, partial(self._entries.pop(key).close, None, None))
            self._guarded(tracker, tracker.close)

    def _each(self, folder: RunFolder, result: RunResult | None) -> None:
        run = TrackedRun.of(folder)
        for tracker in list(self._alive):
            if folder.run_id not in self._whole.get(_place(tracker), ()):
                self._guarded(tracker, partial(self._send, tracker, run, folder, result))

    def _send(self, tracker: Tracker, run: TrackedRun, folder: RunFolder, result: RunResult | None) -> None:
        points, key = points_of(folder), (tracker.name, run.run_id)
        if not points and result is None:
            return
        if key not in self._entries:
            self._entries[key] = tracker.open(run)
            self.sent[tracker.name].runs += 1
        entry = self._entries[key]
        new = [point for point in points if point.step > entry.last_step]
        if new:
            entry.log(new)
            self.sent[tracker.name].points += len(new)
        if result is not None:
            self._entries.pop(key).close(last_point(result), result)
            self.sent[tracker.name].points += 1
            self._whole.setdefault(_place(tracker), []).append(run.run_id)
            write_json_atomically(self.sent_file, self._whole)

    def _guarded(self, tracker: Tracker, action: Callable[[], None]) -> None:
        """Whatever a tracker's library raises costs that tracker, and nothing else."""
        try:
            action()
        except Exception as error:
            if tracker in self._alive:
                self._alive.remove(tracker)
                words = [line.strip() for line in str(error).splitlines() if line.strip()]
                self.on_warning(f"{tracker.name}: {words[0] if words else type(error).__name__}")


def _place(tracker: Tracker) -> str:
    return f"{tracker.name}: {tracker.where}"


def _signs(folder: RunFolder) -> tuple[int, int]:
    try:
        status = folder.metrics.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _read_sent(path: Path) -> dict[str, list[str]]:
    """What `path` holds; nothing where it is missing or torn: then all is sent again."""
    with suppress(OSError, ValueError):
        value = json_value(read_through_links(path))
        if isinstance(value, dict):
            return {place: list(map(str, ids)) for place, ids in value.items() if isinstance(ids, list)}
    return {}
