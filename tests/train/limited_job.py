"""python limited_job.py RUN_DIR CORPUS ROOM: trains a run in a process that gets ROOM bytes more than it has; 0: any.

Prints the bytes that it took at the most.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch

from isoflop.corpus import load_corpus
from isoflop.runs.folder import RunFolder
from isoflop.train.loop import run
from isoflop.train.model import build
from isoflop.train.optim import build_optimizer


def address_space(key: str) -> int:
    """Bytes of this process's address space: `VmSize` now, `VmPeak` at its largest."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith(f"{key}:")))


def warm_up(folder: RunFolder) -> None:
    """Load what a first step loads, which is not part of a step's memory."""
    spec = folder.read_spec()
    model = build(spec.architecture)
    optimizer = build_optimizer(model, spec.optimizer)
    model.objective(torch.zeros(1, 2, dtype=torch.long), spec.z_loss)[0].backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def main() -> None:
    torch.set_num_threads(1)
    folder, corpus, room = RunFolder(Path(sys.argv[1])), load_corpus(Path(sys.argv[2])), int(sys.argv[3])
    warm_up(folder)
    before = address_space("VmSize")
    if room:
        resource.setrlimit(resource.RLIMIT_AS, (before + room, resource.RLIM_INFINITY))
    run(folder, corpus, lambda: False)
    print(address_space("VmPeak") - before)


if __name__ == "__main__":
    main()
