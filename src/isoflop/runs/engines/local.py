"""The local engine: warm worker processes on this machine, one thread each."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from isoflop.errors import InputError
from isoflop.runs.engine import STOP_SECONDS, Ended, message_of, outcome_of
from isoflop.runs.engines.placing import Placement, Placing
from isoflop.runs.engines.worker import CLOSE_SECONDS, Worker, start_worker
from isoflop.runs.folder import RunFolder
from isoflop.runs.placement import Memory, Place

SPAWNS = 3
"""Workers started in a row that end before they take a folder: one may be killed by chance, three have a cause."""


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use (all of them where the system does not tell)."""
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@dataclass(kw_only=True)
class LocalEngine:
    """Works through folders in `workers` processes that stay warm: a start costs 4 to 7 s, a third of a small run.

    A worker reads folders from stdin, a line each, and answers `{"run", "exit", "message"}` on stdout
    (`python -m isoflop.train --worker`). It is a process of its own and may be killed at any moment; the next `start`
    replaces it.
    """

    workers: int
    """Processes at most; they start when there is work."""
    logs: Path
    """Folder for one log a worker. What a run prints is copied to its trainer.log when it ends."""
    corpus: Path | None = None
    """Folder of the corpus; None: the one next to runs/."""
    options: Sequence[str] = ()
    """Further options of the worker program."""
    command: Sequence[str] | None = None
    """Another worker program of the same protocol."""
    placement: Placement | None = None
    """Places of unequal speed and what runs need of them; None: `workers` processes on cores."""
    _placing: Placing | None = field(default=None, init=False)
    _failed: list[Ended] = field(default_factory=list, init=False)
    """Runs whose place was gone before they began, for the next `poll`."""
    _alive: list[Worker] = field(default_factory=list, init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, init=False)

    def __post_init__(self) -> None:
        if self.placement is not None:
            self._placing = Placing(placement=self.placement)
            self.workers = sum(place.slots for place in self.placement.places)

    @property
    def free(self) -> int:
        """Workers without a folder, started or not."""
        if self._placing is not None:
            return self._placing.free
        return self.workers - sum(worker.folder is not None for worker in self._alive)

    def next_of(self, waiting: Iterable[RunFolder]) -> RunFolder | None:
        """The longest; with places of unequal speed the first that one of them can begin now and ends first."""
        if self._placing is not None:
            return self._placing.next_of(waiting)
        return next(iter(waiting), None)

    def start(self, folder: RunFolder) -> None:
        """Assigns `folder` to an idle worker, or to a new one. Needs `free` > 0.

        Raises InputError when new workers on cores end before they can take a folder, SPAWNS times in a row. On an
        accelerator that ends the run's start, which the next `poll` reports.
        """
        assert self.free > 0, "no free worker"
        place = Place(name="cpu", slots=self.workers)
        memory: Memory = "core"
        if self._placing is not None:
            placed = self._placing.begin(folder)
            place, memory = placed.place, placed.memory
        for worker in [w for w in self._alive if w.folder is None and not w.retired and w.place.name == place.name]:
            if worker.memory != memory:  # an idle process keeps memory of its accelerator
                worker.close()
                self._end([worker], CLOSE_SECONDS)
            elif worker.assign(folder):
                return
            else:
                self._reap(worker)
        for _ in range(SPAWNS):
            worker = self._spawn(place, memory)
            if worker.assign(folder):
                return
            last_line = worker.last_line()
            self._reap(worker)
        ends = f"ended with exit code {worker.process.returncode} as soon as they were started"
        reason = f"{SPAWNS} worker processes in a row {ends}{f' ({last_line})' if last_line else ''}; see {worker.log}"
        if memory == "core" or self._placing is None:
            raise InputError(f"engine local: {reason}")
        crashed = Ended(folder=folder, outcome="crashed", message=reason)
        self._failed.append(self._placing.end(crashed, at_once=True))

    def poll(self, timeout: float) -> list[Ended]:
        """Runs that ended; waits up to `timeout` seconds for the first."""
        ended, self._failed = self._failed, []
        if ended:
            return ended
        if not self._alive:
            time.sleep(timeout)
            return []
        for key, _ in self._selector.select(timeout):
            worker: Worker = key.data
            data = os.read(worker.out, 65536)
            if not data:
                ended += self._reap(worker)
                continue
            *lines, worker.pending = (worker.pending + data).split(b"\n")
            for line in lines:
                ended += self._on_line(worker, line)
        return ended

    def kill(self, folder: RunFolder) -> None:
        """SIGKILL to the worker that has `folder`."""
        for worker in self._alive:
            if worker.folder == folder:
                worker.process.kill()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM to all workers, which save a checkpoint and end; SIGKILL after `seconds`."""
        for worker in self._alive:
            worker.retired = True
            worker.process.send_signal(signal.SIGTERM)
        self._end(list(self._alive), seconds)

    def close(self) -> None:
        """Ends idle workers, kills busy ones."""
        for worker in self._alive:
            if worker.folder is not None:
                worker.process.kill()
            else:
                worker.close()
        self._end(list(self._alive), CLOSE_SECONDS)

    def _end(self, workers: Sequence[Worker], seconds: float) -> None:
        """Waits for `workers`, which were asked to end, and kills those that have not after `seconds`."""
        deadline = time.monotonic() + seconds
        try:
            for worker in workers:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # also when a second Ctrl-C ends the waiting
            for worker in workers:
                if worker.process.poll() is None:
                    worker.process.kill()
                self._reap(worker)

    def _spawn(self, place: Place, memory: Memory) -> Worker:
        # Retired workers still ending do not count: their folder has ended.
        taken = {worker.number for worker in self._alive if not worker.retired}
        number = next(n for n in range(self.workers + len(taken)) if n not in taken)
        corpus = ["--corpus", str(self.corpus.resolve())] if self.corpus else []
        device = ["--device", place.device] if place.device != "cpu" else []
        own = [sys.executable, "-P", "-m", "isoflop.train", "--worker", *corpus, *device, *self.options]
        log = self.logs / f"worker-{number}.log"
        worker = start_worker(self.command or own, log, number=number, place=place, memory=memory)
        self._pin(worker)
        self._alive.append(worker)
        self._selector.register(worker.out, selectors.EVENT_READ, worker)
        return worker

    def _pin(self, worker: Worker) -> None:
        """One core each, where every core has its worker; with fewer, the scheduler finds the idle ones itself."""
        cores = usable_cores()
        if sys.platform == "linux" and self.workers == len(cores):
            with suppress(OSError):  # a sandbox may forbid it; it only saves time
                os.sched_setaffinity(worker.process.pid, {cores[worker.number % len(cores)]})

    def _on_line(self, worker: Worker, line: bytes) -> list[Ended]:
        """The run that a line of a worker's stdout ends; none when a library printed it."""
        try:
            value = json.loads(line)
            run, code, message = str(value["run"]), int(value["exit"]), str(value.get("message", ""))
        except (ValueError, KeyError, TypeError):
            return []
        if worker.folder is None or run != worker.folder.path.resolve().name:
            return []
        if outcome_of(code) == "stopped":
            worker.retired = True
        return self._ended(worker, code, message)

    def _ended(self, worker: Worker, code: int, message: str = "", *, at_once: bool = False) -> list[Ended]:
        last_line = worker.last_line()
        folder, worker.folder = worker.folder, None
        if folder is None:
            return []
        ended = Ended(folder=folder, outcome=outcome_of(code), message=message_of(code, message or last_line))
        return [self._placing.end(ended, at_once=at_once) if self._placing is not None else ended]

    def _reap(self, worker: Worker) -> list[Ended]:
        """Removes a worker that has ended; the run that it had has ended with it."""
        self._selector.unregister(worker.out)
        self._alive.remove(worker)
        code = worker.process.wait()
        for pipe in (worker.process.stdin, worker.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if code == 0 and worker.folder is not None and worker.folder.read_result() is None:
            code = 1  # a worker that leaves in the middle of a run has not finished it
        # a refusal of the folder is an answer of a worker that lives: this one refused its device
        return self._ended(worker, code, at_once=outcome_of(code) == "refused")
