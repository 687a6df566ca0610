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
from importlib.metadata import version
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
    ("30M", 640, 6, 2048),
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
    environment = worker_environment() if arguments[0] in ("isoflop", "attention") else {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **pinned)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def rounds_of(case: tuple[str, int, int, int], rounds: int, core: int) -> tuple[dict, float]:
    """({contender: seconds of each round}, FLOP/s of sgemm: the best of all rounds)."""
    _, width, layers, tokens = case
    parts = [("attention", family) for family in ("gpt", "llama")]
    seconds: dict[tuple[str, str], list[float]] = {contender: [] for contender in [*CONTENDERS, *parts]}
    products = []
    for _ in range(rounds):
        for contender in seconds:
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
        arch, step = shape(family, width, layers), statistics.median(ours)
        cells.append(f"{flops_per_token(arch, CONTEXT) * tokens / step / products:.0%}")
        # attention grows with the context and the other products do not
        attention = flops_per_token(arch, 2 * CONTEXT) - flops_per_token(arch, CONTEXT)
        others = (flops_per_token(arch, CONTEXT) - attention) * tokens / products
        cells.append(f"{(others + min(seconds['attention', family])) / step:.0%}")
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
        head += [f"{family}: of sgemm", "of the ceiling", *(f"faster than {package}" for package in others)]
    machine = platform.processor() or platform.machine()
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", *others))
    print(
        "# Training steps\n\n`python bench/train/speed.py`\n\n"
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
