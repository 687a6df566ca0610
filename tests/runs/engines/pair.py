"""pair.py RUN_DIR [ignore]: one of two processes of torchrun: meets the other, and says so by a file in the run folder.

With a file `wait` in the folder it stays until SIGTERM; with `deaf`, for good.
"""

import os
import signal
import sys
import time
from pathlib import Path

PAIR = Path(__file__)


def main(folder):
    from torch import distributed

    distributed.init_process_group("gloo")
    if (folder / "deaf").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    rank = distributed.get_rank()
    (folder / f"rank-{rank}-of-{distributed.get_world_size()}").write_text(str(os.getpid()))
    while (folder / "wait").exists():
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
