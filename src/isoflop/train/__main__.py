"""python -m isoflop.train RUN_DIR [--corpus DIR], or --worker: one run folder a line on standard input.

With --library olmo OLMo-core takes the steps (train/olmo/); everything else is the same.

torchrun --nproc-per-node K -m isoflop.train RUN_DIR trains one run with K processes, laid out by its launch.json.

Exit codes: 0 there is a result.json; 2 unusable input; 3 another process works in the folder; 130 or 143 stopped by
SIGINT or SIGTERM after a checkpoint; anything else is a crash, from which the same command resumes.
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
from isoflop.runs.engines.supervisor import report_exit
from isoflop.runs.engines.worker import DRIVER_VARIABLE
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import require_extra
from isoflop.train.loop import Library, Stopped, corpus_of, run
from isoflop.train.memory import RestartElsewhere, RestartWithHalf
from isoflop.train.process_group import FailedOnAnotherRank, connect, disconnect, is_launched, join, on_all_ranks

SHORT_OF_MEMORY = 4
"""Exit code of a rank whose memory ran out: to a driver a crash, after which it starts the run again."""


class StopSignal:
    """Remembers the first SIGTERM or SIGINT; true once one came, or once a worker's parent has exited."""

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
        # a worker whose driver was killed has another parent: nobody reads its answers any more
        if self.parent and os.getppid() != self.parent:
            self.number = self.number or signal.SIGTERM
        return self.number != 0

    @property
    def exit_code(self) -> int:
        """Exit code of a process stopped by this signal, as shells report it."""
        return 128 + (self.number or signal.SIGTERM)


class Trainer:
    """Trains folders one after another and keeps the corpus of the last one open."""

    def __init__(self, corpus_dir: Path | None, stop: StopSignal, device: str, library: Library | None) -> None:
        self.corpus_dir = corpus_dir
        self.device = device
        self.library = library
        self.stop = stop
        self.refusal = ""
        """Why the last folder was refused; empty if it was not."""
        self._corpora: dict[Path, Corpus] = {}

    def train(self, path: Path) -> int:
        """Train one run folder; returns its exit code, see above. Problems are printed to standard error."""
        self.refusal = ""
        try:
            corpus = on_all_ranks(lambda: self._corpus(path))
            run(RunFolder(path), corpus, self.stop, join(path, self.device), self.library)
        except Stopped:
            return self.stop.exit_code
        except FailedOnAnotherRank as error:
            report_exit(error.exit_code, "")
            return error.exit_code
        except (RestartElsewhere, RestartWithHalf) as error:
            print(f"{path}: {error}", file=sys.stderr, flush=True)
            return SHORT_OF_MEMORY
        except IsoflopError as error:
            self.refusal = f"{path}: {error}"
            print(self.refusal, file=sys.stderr, flush=True)
            report_exit(error.exit_code, self.refusal)
            return error.exit_code
        return 0

    def _corpus(self, path: Path) -> Corpus:
        directory = self.corpus_dir or corpus_of(path)
        if directory not in self._corpora:
            self._corpora = {directory: load_corpus(directory)}
        return self._corpora[directory]


def use_device(name: str | None, *, worker: bool = False) -> str:
    """Prepare the device `name` and return it; on the CPU a process has one thread (two collapse on a busy machine).

    The default is the GPU where PyTorch finds one, and the CPU for workers, which share the cores of a machine. Raises
    InputError when the machine has no such accelerator.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() and not worker else "cpu"
    if name == "cpu":
        torch.set_num_threads(1)
    elif not torch.cuda.is_available():
        raise InputError(f"--device {name}: PyTorch finds no accelerator; omit the option to use the CPU")
    return name


def use_library(name: str) -> Library | None:
    """The library that takes the steps, None for isoflop's own trainer. Raises InputError if it is not installed."""
    if name == "own":
        return None
    require_extra(name)
    from isoflop.train.olmo.steps import OLMO  # takes 3 s to import

    return OLMO


def lines_of_input(stop: StopSignal) -> list[str] | None:
    """The next complete lines of standard input; None at its end or on a request to stop."""
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
    """Train the folders named on standard input, one per line, until it ends; outcomes are JSON lines on stdout."""
    while (lines := lines_of_input(trainer.stop)) is not None:
        for line in lines:
            path = Path(line)
            code = trainer.train(path)
            if trainer.device != "cpu":
                torch.cuda.empty_cache()  # others share the accelerator: an idle process keeps nothing of it
            print(json.dumps({"run": path.name, "exit": code, "message": trainer.refusal}), flush=True)
            if trainer.stop():
                return trainer.stop.exit_code
    return 0


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m isoflop.train", description=__doc__)
    parser.add_argument("run_dir", nargs="?", type=Path)
    parser.add_argument("--corpus", type=Path, help="folder of the corpus (default: RUN_DIR/../../corpus)")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), help="default: cuda if available, for one run; cpu for workers"
    )
    parser.add_argument(
        "--library", choices=("own", "olmo"), default="own", help="what takes the steps: isoflop's trainer or OLMo-core"
    )
    parser.add_argument("--worker", action="store_true", help="read run folders from standard input")
    arguments = parser.parse_args()
    if (arguments.run_dir is None) == (not arguments.worker):
        parser.error("expected either RUN_DIR or --worker")
    try:
        device, library = use_device(arguments.device, worker=arguments.worker), use_library(arguments.library)
    except InputError as error:
        report_exit(error.exit_code, str(error))
        parser.error(str(error))
    # a worker trains alone, even if torchrun started the study that started it
    if is_launched() and not arguments.worker:
        device = connect(device)
    stop = StopSignal(watch_parent=arguments.worker)
    trainer = Trainer(arguments.corpus, stop, device, library)
    if arguments.worker:
        return work(trainer)
    code = trainer.train(arguments.run_dir.resolve())  # the folder's name is the run's id, also through a link
    # leaving the group waits for the other ranks; after an error they may be waiting for this one in a step
    if code == 0 or code == stop.exit_code:
        disconnect()
    return code


if __name__ == "__main__":
    sys.exit(main())
