"""The supervisor: what runs beside a trainer on a machine that the engine cannot reach.

It starts the trainer, passes on the signals of a scheduler and the orders that the engine leaves in the run folder, and
says how the trainer ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Literal

from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.regular_files import open_to_append, read_regular
from isoflop.runs.engines.local import worker_environment
from isoflop.runs.engines.processes import TORCHRUN
from isoflop.runs.folder import RunFolder
from isoflop.runs.jsonl import append_lines, read_lines

Order = Literal["stop", "kill"]
LOOK_SECONDS = 0.2
"""How often a supervisor looks for orders: one look at one file, far below what a shared disk notices."""
LOG_BYTES = 10_000
"""How much of a trainer's stderr is searched for its last words."""
REPORT_VARIABLE = "ISOFLOP_EXIT_REPORT"
"""Tells a trainer which file its supervisor reads in the end."""
# A time limit or preemption is told by any of these, as the cluster is set up; all of them leave time for a checkpoint.
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


def supervise(path: str, command: Sequence[str], cancelled: Callable[[], bool] = lambda: False) -> tuple[int, str]:
    """Runs `command` on the run folder `path` until it ends: (its exit code, why).

    Why is what one of its processes told (`report_exit`), else the last line that was written to stderr. Once
    `cancelled` it is killed.
    """
    folder = RunFolder(Path(path))
    with _signals() as asked, _ear() as ear, open_to_append(folder.log) as log:
        start = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**worker_environment(), **_safe_path(command), REPORT_VARIABLE: str(ear)},
            process_group=0,  # a signal to the supervisor's group would end a trainer that does not know it
            preexec_fn=_outlive_no_keeper if sys.platform == "linux" else None,
        )
        stopped = False
        try:
            stopped = _wait(process, folder, asked, cancelled)
        finally:
            for group in (process.pid, *_children(process.pid)):
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
            process.wait()
        told = read_lines(ear).lines
    code, of_torchrun = process.returncode, TORCHRUN in command
    if stopped and not told and (code == -signal.SIGTERM or (code == 1 and of_torchrun)):
        return 128 + signal.SIGTERM, ""  # of a trainer that did not listen yet, and of torchrun
    if not code or not told:
        return code, "" if not code else _last_words(folder.log, start)
    said = max(told, key=lambda line: len(line["message"]))
    # whatever its processes exit with, torchrun exits with 1
    return said["exit"] if of_torchrun and code == 1 else code, said["message"]


def _safe_path(command: Sequence[str]) -> dict[str, str]:
    """For torchrun, which starts its processes as modules: none of them comes from the working folder (python -P)."""
    return {"PYTHONSAFEPATH": "1"} if TORCHRUN in command else {}


@contextmanager
def _ear() -> Generator[Path]:
    """A file of this machine for `report_exit`; that of no file where there is no room for one."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="isoflop-")
    except OSError:  # then the last words must do
        yield Path(os.devnull)
        return
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        with suppress(OSError):
            os.unlink(name)


def report_exit(exit_code: int, message: str) -> None:
    """Reports to the supervisor of this process, past torchrun, why it ends; the longest message of all is used."""
    report_file = os.environ.get(REPORT_VARIABLE)
    if report_file is not None:
        with suppress(InputError):  # the disk of the report file is full
            append_lines(Path(report_file), [{"exit": exit_code, "message": message}], durable=False)


def _children(pid: int) -> list[int]:
    """Processes that `pid` has started; torchrun puts each into a group of its own. None where there is no /proc."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    with suppress(OSError):  # ended meanwhile
        return [int(child) for file in found for child in file.read_text().split()]
    return []


def _outlive_no_keeper() -> None:
    """In the child: SIGTERM when the supervisor dies, so that the trainer saves a checkpoint and leaves (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be
_PR_SET_PDEATHSIG = 1


def _wait(process: subprocess.Popen[bytes], folder: RunFolder, asked: list[int], cancelled: Callable[[], bool]) -> bool:
    """Waits for the end, or for the order to kill; whether it was asked to stop before."""
    stopping = False
    while process.poll() is None:
        order = read_command(folder)
        if order == "kill" or cancelled():
            return False
        if (asked or order == "stop") and not stopping:
            stopping = True
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)
    return stopping


def read_command(folder: RunFolder) -> str:
    """What the engine asks of the supervisor of `folder`; empty when nothing."""
    try:
        return read_regular(folder.command_file).decode(errors="replace").strip()
    except (OSError, InputError):  # none there, or a shared disk that is away for a moment
        return ""


@contextmanager
def _signals() -> Generator[list[int]]:
    """The stopping signals that came; the handlers of before are back at the end: a Ray worker lives on."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)

    before = {number: signal.signal(number, remember) for number in _STOPPING}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _last_words(log: Path, start: int) -> str:
    with suppress(OSError), open(log, "rb") as file:
        file.seek(max(start, file.seek(0, os.SEEK_END) - LOG_BYTES))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:500] if lines else ""
    return ""


def write_command(folder: RunFolder, order: Order) -> None:
    """Leaves `order` for the supervisor of `folder`; a full disk leaves none, and its trainer is ended from outside."""
    with suppress(OSError, InputError):
        write_bytes_atomically(folder.command_file, f"{order}\n".encode(), durable=False)


def clear_command(folder: RunFolder) -> None:
    """Whoever starts on `folder` next is asked for nothing."""
    with suppress(OSError):
        folder.command_file.unlink(missing_ok=True)
