"""Engine `olmo`: OLMo-core takes the steps of each run, in warm workers here or in the jobs of another engine.

The trainer program is the same and so are the folders; only its option `--library` is another. OLMo-core is imported
by the trainers alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.engines.processes import ONE_PROCESS, Processes, trainer_command
from isoflop.runs.extras import require_extra
from isoflop.runs.folder import RunFolder

OLMO_FAMILIES = ("llama",)
"""Families that OLMo-core's modules can hold, tensor by tensor."""


def olmo_workers(*, workers: int, logs: Path, corpus: Path, device: str = "cpu") -> LocalEngine:
    """A local engine whose workers train with OLMo-core. Raises InputError where it is not installed."""
    require_extra("olmo")
    command = [sys.executable, "-P", "-m", "isoflop.train", "--worker", "--corpus", str(corpus.resolve())]
    return LocalEngine(workers=workers, logs=logs, command=[*command, "--device", device, "--library", "olmo"])


def olmo_command(corpus: Path, processes: Processes = ONE_PROCESS) -> Callable[[RunFolder], list[str]]:
    """The trainer program of a JobEngine that trains with OLMo-core, where its jobs find that installed."""
    return lambda folder: trainer_command(folder, corpus, processes, library="olmo")
