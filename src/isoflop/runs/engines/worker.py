"""A warm worker process of the local engine: its environment, its program, its log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.hardware import ONE_THREAD
from isoflop.regular_files import make_folder, open_to_append
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import MEMORY_VARIABLE
from isoflop.runs.placement import Memory, Place

DRIVER_VARIABLE = "ISOFLOP_DRIVER"
"""Names the driver to its worker, which must also notice a driver that dies while the worker still starts."""
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


@dataclass
class Worker:
    """A process that takes one folder after another."""

    process: subprocess.Popen[bytes]
    number: int
    log: Path
    folder: RunFolder | None = None
    log_start: int = 0
    """Where in the log the stderr of the run at hand begins."""
    pending: bytes = b""
    retired: bool = False
    """Asked to end: takes no more folders."""

    place: Place = field(default_factory=lambda: Place(name="cpu", slots=1))
    memory: Memory = "core"

    @property
    def out(self) -> int:
        """Its stdout."""
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

    def assign(self, folder: RunFolder) -> bool:
        """Whether the worker took the folder: False when it has ended meanwhile."""
        assert self.process.stdin is not None
        if self.process.poll() is not None:
            return False
        with suppress(OSError):
            self.log_start = self.log.stat().st_size
        try:
            self.process.stdin.write(f"{folder.path.resolve()}\n".encode())
        except BrokenPipeError:
            return False
        self.folder = folder
        return True

    def close(self) -> None:
        """Asks an idle worker to end."""
        self.retired = True
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()


def start_worker(command: Sequence[str], log: Path, *, number: int, place: Place, memory: Memory) -> Worker:
    """A new worker at `place`, which appends its stderr to `log`."""
    stated = {} if memory == "core" else {MEMORY_VARIABLE: memory}
    with storing(log):
        make_folder(log.parent)
        with open_to_append(log) as errors:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**worker_environment(), **place.environment, **stated, DRIVER_VARIABLE: str(os.getpid())},
                bufsize=0,
                process_group=0,  # Ctrl-C in the terminal reaches the driver alone, which then asks the workers
            )
    return Worker(process=process, number=number, log=log, log_start=log.stat().st_size, place=place, memory=memory)
