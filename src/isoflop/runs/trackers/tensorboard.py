"""TensorBoard: one file of events per run, rewritten from the run folder whenever the run is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from isoflop.runs.registry import extra
from isoflop.runs.result import RunResult
from isoflop.runs.trackers.base import Point, TrackedRun

_NOTHING = -1


@dataclass(kw_only=True)
class TensorBoard:
    """Event files in a folder of their own for each run: `tensorboard --logdir FOLDER` shows them."""

    name: ClassVar[str] = "tensorboard"
    folder: Path
    """Its files lie in `tensorboard` below it."""
    project: str
    """Not shown: the folder is of one study."""

    def __post_init__(self) -> None:
        extra("tensorboard")

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder / "tensorboard")

    def open(self, run: TrackedRun) -> Events:
        """An empty file of events in the place of an earlier one."""
        folder = self.folder / "tensorboard" / run.name
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        return Events(folder=folder)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(kw_only=True)
class Events:
    """The file of one run."""

    folder: Path
    last_step: int = _NOTHING
    _events: ModuleType = field(init=False)
    """The module of messages."""
    _writer: Any = field(init=False)

    def __post_init__(self) -> None:
        self._events = extra("tensorboard", "compat.proto.event_pb2")
        self._writer = extra("tensorboard", "summary.writer.event_file_writer").EventFileWriter(str(self.folder))
        # has a TensorBoard that is open drop what it read of an earlier file
        session = self._events.SessionLog
        self._writer.add_event(self._events.Event(step=0, session_log=session(status=session.START)))

    def log(self, points: Sequence[Point]) -> None:
        """A scalar a value, on the disk when this returns."""
        summary = extra("tensorboard", "compat.proto.summary_pb2").Summary
        for point in points:
            values = [summary.Value(tag=name, simple_value=value) for name, value in point.values.items()]
            event = self._events.Event(wall_time=point.time, step=point.step, summary=summary(value=values))
            self._writer.add_event(event)
            self.last_step = point.step
        self._writer.flush()

    def close(self, last: Point | None, result: RunResult | None) -> None:
        """Closes the file."""
        del result
        if last is not None:
            self.log([last])
        self._writer.close()
