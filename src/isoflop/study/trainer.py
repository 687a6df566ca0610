"""Programs of the trainer's room, run as processes of their own: PyTorch is never imported here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec

from isoflop.errors import InputError
from isoflop.runs.engines.local import worker_environment

NEEDED = ("torch", "safetensors")
"""Of the extra `train`, what every run needs."""
INSTALL = "training needs PyTorch; install it with: pip install 'isoflop[train]'"
CLOSE_SECONDS = 10.0
"""How long a stopped program may take to end before it is killed."""


def require_trainer() -> None:
    """Raises InputError, saying how to install it, when the extra `train` is missing: before any time is spent."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"{', '.join(missing)}: not installed; {INSTALL}")


def require_gpus(count: int) -> None:
    """Raises InputError where PyTorch finds fewer GPUs on this machine: before a run is started that has one each."""
    (said,) = run_trainers([[sys.executable, "-P", "-c", "import torch; print(torch.cuda.device_count())"]])
    if int(said) < count:
        raise InputError(
            f"the layout takes {count} of this machine's GPUs, and PyTorch finds {int(said)} here; take a cluster with "
            "--engine slurm or ray, or plan anew for what is here"
        )


def explained(words: str) -> InputError:
    """The failure of a trainer's program as an InputError; a missing or broken library is told how to install it.

    >>> print(explained("ModuleNotFoundError: No module named 'torch'"))
    ModuleNotFoundError: No module named 'torch'; training needs PyTorch; install it with: pip install 'isoflop[train]'
    """
    if "ModuleNotFoundError" in words or "ImportError" in words:
        return InputError(f"{words}; {INSTALL}")
    return InputError(words)


def run_trainers(commands: Sequence[Sequence[str]]) -> list[str]:
    """What each of `commands` prints, run side by side. None of them outlives this call, also when it is interrupted.

    Raises InputError with a program's last words when it fails.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            processes.append(  # noqa: PERF401 - those started are ended even when a later one does not start
                subprocess.Popen(
                    list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=worker_environment()
                )
            )
        spoken = [process.communicate() for process in processes]
    finally:
        for process in processes:
            _end(process)
    for process, (_, errors) in zip(processes, spoken, strict=True):
        if process.returncode:
            lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
            last = lines[-1].strip() if lines else f"it ended with code {process.returncode} and no word"
            raise explained(f"the trainer's program failed: {last}" if process.returncode != 2 else last)
    return [output.decode() for output, _ in spoken]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(CLOSE_SECONDS)
        process.kill()
        process.wait()
