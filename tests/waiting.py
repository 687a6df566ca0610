"""Waiting and measuring in tests, however busy the machine is.

No wait here gives up by the clock. It ends with what it waits for, or fails with the process that should have brought
it about; a test that hangs is ended by pytest's --timeout, which is an hour.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from isoflop.runs.engine import Ended, Engine

_Come = TypeVar("_Come")


def wait_until(come: Callable[[], _Come | None], *processes: subprocess.Popen[Any]) -> _Come:
    """What `come` returns once that is true; fails when one of `processes` ends first."""
    while not (happened := come()):
        for process in processes:
            # looked at again: it may have happened just before the process ended
            if process.poll() is not None and not come():
                raise AssertionError(f"exit {process.returncode} before it happened: {process.communicate()}")
        time.sleep(0.02)
    return happened


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """(stdout, stderr) of a process when it has ended. It does not outlive the test, also where that is interrupted."""
    try:
        return process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def next_ended(engine: Engine) -> list[Ended]:
    """The next runs that end."""
    return wait_until(lambda: engine.poll(0.1))


def processor_seconds(command: Sequence[str]) -> float:
    """What `command` takes of processors, which a busy machine changes little; it must end well and print something."""
    # compiled modules are kept: a first run compiles them
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def takes_less_than(command: Sequence[str], seconds: float) -> bool:
    """Whether `command` takes less than `seconds` of processors in one of four tries.

    Two programs that share a core slow each other down in processor time too: a try counts in units of what importing
    NumPy takes just before it, which is NUMPY_SECONDS on a quiet machine.
    """
    numpy = [sys.executable, "-c", "import numpy; print(numpy.__version__)"]
    for _ in range(4):
        slower = max(1.0, processor_seconds(numpy) / NUMPY_SECONDS)
        if processor_seconds(command) < seconds * slower:
            return True
    return False


NUMPY_SECONDS = 0.12
"""Measured on the machine where the limits of the tests were set."""
