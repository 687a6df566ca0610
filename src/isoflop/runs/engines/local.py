"""The local engine: warm worker processes on this machine, one thread each."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.hardware import ONE_THREAD
from isoflop.regular_files import make_folder, open_to_append
from isoflop.runs.engine import STOP_SECONDS, Ended, message_of, outcome_of
from isoflop.runs.folder import RunFolder

DRIVER_VARIABLE = "ISOFLOP_DRIVER"
"""Names the driver to its worker, which must also notice a driver that dies while the worker still starts."""
SPAWNS = 3
"""Workers started in a row that end before they take a folder: one may be killed by chance, three have a cause."""
CLOSE_SECONDS = 5.0
"""How long an idle worker may take to end before it is killed."""
LOG_BYTES = 1_000_000
"""The most of one run's stderr that is copied into its trainer.log."""

# glibc hands blocks above 128 KiB back to the kernel when they are freed and gets them zeroed, page by page, at the
# next step. 32 MiB is the largest threshold that it accepts (HEAP_MAX_SIZE / 2 in malloc.c on 64 bits); the top of
# the heap is kept up to 1 GiB and grows by 64 MiB at a time.
_KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
}


def worker_environment() -> dict[str, str]:
    """Environment of a worker: this process's own, with one thread and, on Linux, memory kept between steps."""
    # One thread: as many processes as cores is how a sweep runs, and two OpenMP threads wait for each other as soon as
    # anything else wants a core.
    memory = _KEEP_MEMORY if sys.platform == "linux" else {}
    return {**os.environ, **ONE_THREAD, **memory}


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use (all of them where the system does not tell)."""
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    number: int
    log: Path
    folder: RunFolder | None = None
    log_start: int = 0
    """Where in the log the stderr of the run at hand begins."""
    pending: bytes = b""
    retired: bool = False
    """Asked to end: takes no more folders."""

    @property
    def out(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def last_line(self) -> str:
        """Appends what the run printed to stderr to its trainer.log; returns its last line."""
        printed = b""
        with suppress(OSError), open(self.log, "rb") as file:  # a log is for people: never worth failing for
            file.seek(self.log_start)
            printed = file.read(LOG_BYTES)
            self.log_start = file.seek(0, os.SEEK_END)
            if printed and self.folder is not None and self.folder.path.is_dir():
                with suppress(InputError), open_to_append(self.folder.log) as copy:
                    copy.write(printed)
        lines = [line for line in printed.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:500] if lines else ""


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
    _alive: list[_Worker] = field(default_factory=list, init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, init=False)

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def free(self) -> int:
        """Workers without a folder, started or not."""
        return self.workers - sum(worker.folder is not None for worker in self._alive)

    def start(self, folder: RunFolder) -> None:
        """Assigns `folder` to an idle worker, or to a new one. Needs `free` > 0.

        Raises InputError when new workers end before they can take a folder, SPAWNS times in a row.
        """
        assert self.free > 0, "no free worker"
        for worker in [w for w in self._alive if w.folder is None and not w.retired]:
            if self._assign(worker, folder):
                return
            self._reap(worker)
        for _ in range(SPAWNS):
            worker = self._spawn()
            if self._assign(worker, folder):
                return
            last_line = worker.last_line()
            self._reap(worker)
        code = worker.process.returncode
        raise InputError(
            f"engine local: {SPAWNS} worker processes in a row ended with exit code {code} as soon as they were started"
            f"{f' ({last_line})' if last_line else ''}; see {worker.log}"
        )

    def poll(self, timeout: float) -> list[Ended]:
        """Runs that ended; waits up to `timeout` seconds for the first."""
        if not self._alive:
            time.sleep(timeout)
            return []
        ended: list[Ended] = []
        for key, _ in self._selector.select(timeout):
            worker: _Worker = key.data
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
        self._end_all(seconds)

    def close(self) -> None:
        """Ends idle workers, kills busy ones."""
        for worker in self._alive:
            if worker.folder is not None:
                worker.process.kill()
            elif worker.process.stdin is not None:
                with suppress(OSError):
                    worker.process.stdin.close()
        self._end_all(CLOSE_SECONDS)

    def _end_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        try:
            for worker in self._alive:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # also when a second Ctrl-C ends the waiting
            for worker in list(self._alive):
                if worker.process.poll() is None:
                    worker.process.kill()
                self._reap(worker)

    def _spawn(self) -> _Worker:
        # Retired workers still ending do not count: their folder has ended.
        taken = {worker.number for worker in self._alive if not worker.retired}
        number = next(n for n in range(self.workers + len(taken)) if n not in taken)
        log = self.logs / f"worker-{number}.log"
        corpus = ["--corpus", str(self.corpus.resolve())] if self.corpus else []
        own = [sys.executable, "-P", "-m", "isoflop.train", "--worker", *corpus, *self.options]
        with storing(log):
            make_folder(self.logs)
            with open_to_append(log) as errors:
                process = subprocess.Popen(
                    list(self.command or own),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**worker_environment(), DRIVER_VARIABLE: str(os.getpid())},
                    bufsize=0,
                    process_group=0,  # Ctrl-C in the terminal reaches the driver alone, which then asks the workers
                )
        worker = _Worker(process=process, number=number, log=log, log_start=log.stat().st_size)
        self._pin(worker)
        self._alive.append(worker)
        self._selector.register(worker.out, selectors.EVENT_READ, worker)
        return worker

    def _pin(self, worker: _Worker) -> None:
        """One core each, where every core has its worker; with fewer, the scheduler finds the idle ones itself."""
        cores = usable_cores()
        if sys.platform == "linux" and self.workers == len(cores):
            with suppress(OSError):  # a sandbox may forbid it; it only saves time
                os.sched_setaffinity(worker.process.pid, {cores[worker.number % len(cores)]})

    def _assign(self, worker: _Worker, folder: RunFolder) -> bool:
        """Whether the worker took the folder: False when it has ended meanwhile."""
        assert worker.process.stdin is not None
        if worker.process.poll() is not None:
            return False
        with suppress(OSError):
            worker.log_start = worker.log.stat().st_size
        try:
            worker.process.stdin.write(f"{folder.path.resolve()}\n".encode())
        except BrokenPipeError:
            return False
        worker.folder = folder
        return True

    def _on_line(self, worker: _Worker, line: bytes) -> list[Ended]:
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

    def _ended(self, worker: _Worker, code: int, message: str = "") -> list[Ended]:
        last_line = worker.last_line()
        folder, worker.folder = worker.folder, None
        if folder is None:
            return []
        return [Ended(folder=folder, outcome=outcome_of(code), message=message_of(code, message or last_line))]

    def _reap(self, worker: _Worker) -> list[Ended]:
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
        return self._ended(worker, code)
