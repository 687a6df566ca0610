"""python -m isoflop.train RUN_DIR [--corpus DIR], or --worker: one run folder a line on standard input.

With --library olmo OLMo-core takes the steps (train/olmo/), and all else is the same.

torchrun --nproc-per-node K -m isoflop.train RUN_DIR has K processes train one run, laid out by its launch.json.

Exit codes: 0 there is a result.json; 2 unusable input; 3 another process works in the folder; 130 or 143 stopped by
SIGINT or SIGTERM after a checkpoint; anything else is a crash, of which the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType

import torch

from isoflop.corpus import Corpus, load_corpus
from isoflop.errors import InputError, IsoflopError
from isoflop.runs.engines.local import DRIVER_VARIABLE
from isoflop.runs.engines.supervisor import report_exit
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import require_extra
from isoflop.train.loop import Library, Stopped, corpus_of, run
from isoflop.train.memory import RestartWithHalf
from isoflop.train.process_group import FailedOnAnotherRank, connect, disconnect, is_launched, join, on_all_ranks

SHORT_OF_MEMORY = 4
"""Exit code of a process of many whose memory ran out: to a driver a crash, after which the run is started again."""


class StopSignal:
    """Remembers the first SIGTERM or SIGINT; true once one came, or once the parent of a worker is gone."""

    def __init__(self, *, watch_parent: bool) -> None:
        self.number = 0
        self.parent = int(os.environ.get(DRIVER_VARIABLE, os.getppid())) if watch_parent else 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.number = self.number or number

    def __call__(self) -> bool:
        """Whether to stop now."""
        if self.parent and os.getppid() != self.parent:
            self.number = self.number or signal.SIGTERM
        return self.number != 0

    @property
    def exit_code(self) -> int:
        """What a process stopped by this signal exits with."""
        return 128 + (self.number or signal.SIGTERM)


class Trainer:
    """Trains folders one after another, keeping the corpus of the last one open."""

    def __init__(self, corpus_dir: Path | None, stop: StopSignal, device: str, library: Library | None) -> None:
        self.corpus_dir = corpus_dir
        self.device = device
        self.library = library
        self.stop = stop
        self.said = ""
        """Why the last folder was refused."""
        self._corpora: dict[Path, Corpus] = {}

    def train(self, path: Path) -> int:
        """Exit code of one run folder, see above; problems go to standard error."""
        self.said = ""
        try:
            corpus = on_all_ranks(lambda: self._corpus(path))
            run(RunFolder(path), corpus, self.stop, join(path, self.device), self.library)
        except Stopped:
            return self.stop.exit_code
        except FailedOnAnotherRank as error:
            report_exit(error.exit_code, "")
            return error.exit_code
        except RestartWithHalf as error:
            print(f"{path}: {error}", file=sys.stderr, flush=True)
            return SHORT_OF_MEMORY
        except IsoflopError as error:
            self.said = f"{path}: {error}"
            print(self.said, file=sys.stderr, flush=True)
            report_exit(error.exit_code, self.said)
            return error.exit_code
        return 0

    def _corpus(self, path: Path) -> Corpus:
        where = self.corpus_dir or corpus_of(path)
        if where not in self._corpora:
            self._corpora = {where: load_corpus(where)}
        return self._corpora[where]


def use_device(name: str | None, *, worker: bool = False) -> str:
    """Prepare `name`: on the CPU one thread a process (two collapse when the machine is busy). Returns it.

    Without a name that is the GPU where PyTorch finds one; the workers of a study share a machine and take its cores.
    Raises InputError when the machine has no such accelerator.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() and not worker else "cpu"
    if name == "cpu":
        torch.set_num_threads(1)
    elif not torch.cuda.is_available():
        raise InputError(f"--device {name}: PyTorch finds no accelerator here; leave the option out to use the CPU")
    return name


def use_library(name: str) -> Library | None:
    """Who takes the steps; None: we do. Raises InputError when the library is not installed."""
    if name == "own":
        return None
    require_extra(name)
    from isoflop.train.olmo.steps import OLMO  # 3 s to import

    return OLMO


def lines_of_input(stop: StopSignal) -> list[str] | None:
    """The next complete lines of standard input; None at its end or when asked to stop."""
    pending = b""
    while not stop():
        ready, _, _ = select.select([0], [], [], 0.5)
        if not ready:
            continue
        data = os.read(0, 65536)
        if not data:
            return None
        pending += data
        if pending.endswith(b"\n"):
            return pending.decode().split("\n")[:-1]
    return None


def work(trainer: Trainer) -> int:
    """Train what standard input names, one folder a line, until it ends; each outcome is a JSON line on stdout."""
    while (lines := lines_of_input(trainer.stop)) is not None:
        for line in lines:
            path = Path(line)
            code = trainer.train(path)
            print(json.dumps({"run": path.name, "exit": code, "message": trainer.said}), flush=True)
            if trainer.stop():
                return trainer.stop.exit_code
    return 0


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m isoflop.train", description=__doc__)
    parser.add_argument("run_dir", nargs="?", type=Path)
    parser.add_argument("--corpus", type=Path, help="folder of the corpus (default: RUN_DIR/../../corpus)")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="without: cuda where there is one, for one run")
    parser.add_argument("--library", choices=("own", "olmo"), default="own", help="who takes the steps")
    parser.add_argument("--worker", action="store_true", help="read run folders from standard input")
    arguments = parser.parse_args()
    if (arguments.run_dir is None) == (not arguments.worker):
        parser.error("expected either RUN_DIR or --worker")
    try:
        device, library = use_device(arguments.device, worker=arguments.worker), use_library(arguments.library)
    except InputError as error:
        report_exit(error.exit_code, str(error))
        parser.error(str(error))
    # a worker is a process of its own, whatever started the study that started it
    if is_launched() and not arguments.worker:
        device = connect(device)
    stop = StopSignal(watch_parent=arguments.worker)
    trainer = Trainer(arguments.corpus, stop, device, library)
    if arguments.worker:
        return work(trainer)
    code = trainer.train(arguments.run_dir.resolve())  # its name is the run's id, however it was reached
    if code == 0 or code == stop.exit_code:  # taking leave may wait for the others: else they may wait in a step for us
        disconnect()
    return code


if __name__ == "__main__":
    sys.exit(main())
