"""Programs of train/, run as processes of their own: PyTorch is never imported by a study."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec

from isoflop.errors import InputError
from isoflop.runs.engines.worker import worker_environment

NEEDED = ("torch", "safetensors")
"""Modules of the extra `train` that every run needs."""
INSTALL = "training needs PyTorch; install it with: pip install 'isoflop[train]'"
CLOSE_SECONDS = 10.0
"""How long a stopped program may take to end before it is killed."""


def require_trainer() -> None:
    """Raises InputError, saying how to install it, when the extra `train` is missing: before any time is spent."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"{', '.join(missing)}: not installed; {INSTALL}")


def require_gpus(count: int) -> None:
    """Raises InputError where PyTorch finds fewer than `count` GPUs on this machine, before a run starts."""
    (output,) = run_trainers([[sys.executable, "-P", "-c", "import torch; print(torch.cuda.device_count())"]])
    if int(output) < count:
        raise InputError(
            f"the layout takes {count} of this machine's GPUs, and PyTorch finds {int(output)}; use a cluster with "
            "--engine slurm or ray, or make a plan for these devices"
        )


def explained(message: str) -> InputError:
    """The failure of a trainer's program as an InputError, which says how to install a missing or broken library.

    >>> print(explained("ModuleNotFoundError: No module named 'torch'"))
    ModuleNotFoundError: No module named 'torch'; training needs PyTorch; install it with: pip install 'isoflop[train]'
    """
    if "ModuleNotFoundError" in message or "ImportError" in message:
        return InputError(f"{message}; {INSTALL}")
    return InputError(message)


def run_trainers(commands: Sequence[Sequence[str]], environment: Mapping[str, str] | None = None) -> list[str]:
    """What each of `commands` prints; they run side by side, `environment` added to a worker's.

    None outlives this call, also when it is interrupted.

    Raises InputError with the last line of a program's errors when it fails.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            processes.append(  # noqa: PERF401 - those started are ended even when a later one does not start
                subprocess.Popen(
                    list(command),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**worker_environment(), **(environment or {})},
                )
            )
        outputs = [process.communicate() for process in processes]
    finally:
        for process in processes:
            _end(process)
    for process, (_, errors) in zip(processes, outputs, strict=True):
        if process.returncode:
            lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
            last = lines[-1].strip() if lines else f"it ended with code {process.returncode} without a message"
            raise explained(f"the trainer's program failed: {last}" if process.returncode != 2 else last)
    return [output.decode() for output, _ in outputs]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(CLOSE_SECONDS)
        process.kill()
        process.wait()
