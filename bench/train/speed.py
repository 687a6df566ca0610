"""Training steps beside those of transformers and litgpt: ratios from one run, as Markdown.

python bench/train/speed.py [--rounds 15] [--core 0] > bench/train/speed.md

Each contender is a process on the same core; they take short turns, the machine's matrix products among them. A
package that is not installed is left out. Needs transformers and, for its columns, litgpt.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from step import CONTEXT, shape

from isoflop.arch import flops_per_token
from isoflop.hardware import ONE_THREAD
from isoflop.runs.engines.worker import worker_environment

# (name, width, layers, tokens a step): sizes without embeddings; small runs want small batches
CASES = (
    ("0.1M", 64, 2, 512),
    ("0.1M", 64, 2, 4096),
    ("0.5M", 120, 3, 512),
    ("0.5M", 120, 3, 4096),
    ("2M", 256, 3, 2048),
    ("8M", 384, 5, 4096),
    ("30M", 640, 6, 2048),
)
PACKAGES, FAMILIES, SGEMM = ("isoflop", "transformers", "litgpt"), ("gpt", "llama"), ("sgemm",)
CONTENDERS = [(package, family) for package in PACKAGES for family in FAMILIES if importlib.util.find_spec(package)]
TURN_SECONDS = 0.5
"""Short, and the rounds many: on a machine that is shared, speed comes and goes over seconds."""


class Contender:
    """A process that takes steps when it is its turn, as its users run it."""

    def __init__(self, core: int, *arguments: str) -> None:
        command = [sys.executable, str(Path(__file__).with_name("step.py")), *arguments]
        pinned = {"preexec_fn": lambda: os.sched_setaffinity(0, {core})} if hasattr(os, "sched_setaffinity") else {}
        # a trainer of ours is started by an engine, which keeps memory between steps
        ours = arguments[0] in ("isoflop", "attention")
        environment = worker_environment() if ours else {**os.environ, **ONE_THREAD}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment, **pipes, **pinned)
        self.params = self.answer()["params"]

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.process.args)}: exit {self.process.wait()}")
        return json.loads(line)

    def turn(self, seconds: float) -> float:
        """Median seconds of a step."""
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.answer()["seconds"]


def rounds_of(case: tuple[str, int, int, int], rounds: int, core: int) -> tuple[dict, float]:
    """({contender: seconds of each round}, FLOP/s of sgemm: the best of all rounds)."""
    _, width, layers, tokens = case
    named = [*CONTENDERS, *(("attention", family) for family in FAMILIES)]
    waiting = {name: Contender(core, *name, str(width), str(layers), str(tokens)) for name in named}
    waiting[SGEMM] = Contender(core, *SGEMM)
    for family in FAMILIES:
        sizes = {name: one.params for name, one in waiting.items() if name[0] in PACKAGES and family in name}
        print(case[0], {"/".join(name): f"{params:,}" for name, params in sizes.items()}, file=sys.stderr)
    seconds: dict[tuple[str, ...], list[float]] = {name: [] for name in waiting}
    for _ in range(rounds):
        for name, contender in waiting.items():
            seconds[name].append(contender.turn(TURN_SECONDS))
    for contender in waiting.values():
        contender.process.communicate()
    print(case, {"/".join(name): f"{statistics.median(all_):.5f}" for name, all_ in seconds.items()}, file=sys.stderr)
    return seconds, 2 * 512**3 / min(seconds[SGEMM])


def row(case: tuple[str, int, int, int], seconds: dict, products: float) -> str:
    name, width, layers, tokens = case
    cells = [name, f"{width} x {layers}", f"{tokens:,}"]
    for family in FAMILIES:
        ours = seconds["isoflop", family]
        arch, step = shape(family, width, layers), statistics.median(ours)
        cells.append(f"{flops_per_token(arch, CONTEXT) * tokens / step / products:.0%}")
        # attention grows with the context and the other products do not
        attention = flops_per_token(arch, 2 * CONTEXT) - flops_per_token(arch, CONTEXT)
        others = (flops_per_token(arch, CONTEXT) - attention) * tokens / products
        cells.append(f"{(others + statistics.median(seconds['attention', family])) / step:.0%}")
        for package in ("transformers", "litgpt"):
            if (package, family) in seconds:
                ratios = [theirs / mine for theirs, mine in zip(seconds[package, family], ours, strict=True)]
                cells.append(f"{statistics.median(ratios):.2f}")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--core", type=int, default=0)
    arguments = parser.parse_args()
    others = [package for package in ("transformers", "litgpt") if (package, "gpt") in CONTENDERS]
    head = ["size", "width x layers", "tokens a step"]
    for family in FAMILIES:
        head += [f"{family}: of sgemm", "of the ceiling", *(f"faster than {package}" for package in others)]
    machine = platform.processor() or platform.machine()
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", *others))
    print(
        f"# Training steps\n\n`python bench/train/speed.py --rounds {arguments.rounds}`\n\n"
        f"{machine}, one thread on one core, load {os.getloadavg()[0]:.1f}. Of sgemm: FLOPs of all products and\n"
        "attention a second, over the best float32 product of 512 x 512 in the same run. Of the ceiling: products at\n"
        "that speed and attention alone, over the whole step. Faster: their seconds a step over ours, median of\n"
        f"{arguments.rounds} rounds in which all took turns, {versions}, each with its own settings.\n"
    )
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for case in CASES:
        print(row(case, *rounds_of(case, arguments.rounds, arguments.core)), flush=True)


if __name__ == "__main__":
    main()
