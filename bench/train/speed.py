"""Training steps beside those of transformers and litgpt: ratios from one run, as Markdown.

python bench/train/speed.py [--rounds 3] [--core 1] > bench/train/speed.md

Each contender runs in a fresh process on one core, in turns, with the machine's matrix products measured between. A
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
from pathlib import Path

from step import CONTEXT, shape

from isoflop.arch import flops_per_token
from isoflop.hardware import ONE_THREAD
from isoflop.runs.engines.local import worker_environment

# (name, width, layers, tokens a step): sizes without embeddings; small runs want small batches
CASES = (
    ("0.1M", 64, 2, 512),
    ("0.1M", 64, 2, 4096),
    ("0.5M", 120, 3, 512),
    ("0.5M", 120, 3, 4096),
    ("2M", 256, 3, 2048),
    ("8M", 384, 5, 4096),
    ("30M", 640, 6, 4096),
)
CONTENDERS = [
    (package, family)
    for package in ("isoflop", "transformers", "litgpt")
    for family in ("gpt", "llama")
    if importlib.util.find_spec(package)
]


def measured(core: int, *arguments: str) -> object:
    command = [sys.executable, str(Path(__file__).with_name("step.py")), *arguments]
    pinned = {"preexec_fn": lambda: os.sched_setaffinity(0, {core})} if hasattr(os, "sched_setaffinity") else {}
    # each as its users run it: a trainer of ours is started by an engine, which keeps memory between steps
    environment = worker_environment() if arguments[0] == "isoflop" else {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, **pinned)
    return json.loads(done.stdout.splitlines()[-1])


def rounds_of(case: tuple[str, int, int, int], rounds: int, core: int) -> tuple[dict, float]:
    """({contender: seconds of each round}, FLOP/s of sgemm: the best of all rounds)."""
    _, width, layers, tokens = case
    seconds: dict[tuple[str, str], list[float]] = {contender: [] for contender in CONTENDERS}
    products = []
    for _ in range(rounds):
        for contender in CONTENDERS:
            found = measured(core, *contender, str(width), str(layers), str(tokens))
            seconds[contender].append(found["seconds"])
        products.append(measured(core, "sgemm"))
        print(case, {"/".join(name): f"{values[-1]:.4f}" for name, values in seconds.items()}, file=sys.stderr)
    return seconds, max(products)


def row(case: tuple[str, int, int, int], seconds: dict, products: float) -> str:
    name, width, layers, tokens = case
    cells = [name, f"{width} x {layers}", f"{tokens:,}"]
    for family in ("gpt", "llama"):
        ours = seconds["isoflop", family]
        per_step = flops_per_token(shape(family, width, layers), CONTEXT) * tokens
        cells.append(f"{per_step / statistics.median(ours) / products:.0%}")
        for package in ("transformers", "litgpt"):
            if (package, family) in seconds:
                ratios = [theirs / mine for theirs, mine in zip(seconds[package, family], ours, strict=True)]
                cells.append(f"{statistics.median(ratios):.2f}")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    arguments = parser.parse_args()
    others = [package for package in ("transformers", "litgpt") if (package, "gpt") in CONTENDERS]
    head = ["size", "width x layers", "tokens a step"]
    for family in ("gpt", "llama"):
        head += [f"{family}: of sgemm", *(f"{family}: faster than {package}" for package in others)]
    machine = platform.processor() or platform.machine()
    print(
        "# Training steps\n\n`python bench/train/speed.py`\n\n"
        f"{machine}, one thread on one core, load {os.getloadavg()[0]:.1f}. Of sgemm: FLOPs of all products and\n"
        "attention a second, over the best float32 product of 512 x 512 in the same run. Faster: their seconds a step\n"
        f"over ours, median of {arguments.rounds} rounds in which all took turns.\n"
    )
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for case in CASES:
        print(row(case, *rounds_of(case, arguments.rounds, arguments.core)), flush=True)


if __name__ == "__main__":
    main()
