"""Seconds and memory to read training logs: python bench/reading_logs.py [--large] [PATH...]

Without paths: 305 curves in one file, one curve of 100,000 lines as CSV and as JSON Lines, all written here first;
with --large a history of 200 MB too. Each is read in a process of its own; seconds are of the processor.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

READ = """
import resource, sys, time
from isoflop.logs import read_logs
start = time.process_time()
runs = read_logs(sys.argv[1])
seconds, most = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{len(runs):>5} runs  {seconds:6.2f} s  {most:6.0f} MiB  {sys.argv[1]}")
"""
LINES = 100_000


def many_curves(file: Path) -> None:
    """305 runs of 39 points, one a line."""
    steps = np.linspace(0, 3350, 39).round()
    rng = np.random.default_rng(0)
    with file.open("w") as text:
        for run in range(305):
            losses = 2 + 8 * (steps + 10) ** -0.3 + 0.001 * rng.standard_normal()
            curve = [[int(step), round(float(loss), 5)] for step, loss in zip(steps, losses, strict=True)]
            text.write(json.dumps({"recipe": f"r{run // 12}", "horizon": 3350, "run": run % 12, "curve": curve}) + "\n")


def one_curve(file: Path) -> None:
    """100,000 lines of steps, tokens, rate and loss."""
    steps = 10 * np.arange(LINES)
    losses = 2 + 8 * (steps + 10.0) ** -0.3
    with file.open("w") as text:
        if file.suffix == ".csv":
            text.write("step,tokens,lr,train/loss\n")
        for step, loss in zip(steps.tolist(), losses.tolist(), strict=True):
            row = {"step": step, "tokens": step * 524288, "lr": 1e-3 * (1 - step / 1e7), "train/loss": loss}
            text.write(",".join(map(repr, row.values())) + "\n" if file.suffix == ".csv" else json.dumps(row) + "\n")


def long_history(file: Path) -> None:
    """200 MB of a tracker's history: eight evaluation sets, on every hundredth line."""
    sets = [f"eval/set{i}/CrossEntropyLoss" for i in range(8)]
    with file.open("w") as text:
        text.write(
            ",".join(["_step", "_runtime", *sets, "train/loss", "lr", "throughput/total_tokens", "grad_norm"]) + "\n"
        )
        step = 0
        while text.tell() < 200e6:
            scores = [f"{3 + 1 / (step + 1):.9f}" if step % 100 == 0 else "" for _ in sets]
            text.write(f"{step},{step / 2},{','.join(scores)},{3 + 1 / (step + 1):.9f},0.001,{step * 524288},0.5\n")
            step += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--large", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, paths = Path(made), list(asked.paths)
        if not paths:
            paths = [folder / "runs.jsonl", folder / "curve.csv", folder / "curve.jsonl"]
            many_curves(paths[0])
            one_curve(paths[1])
            one_curve(paths[2])
        if asked.large:
            paths.append(folder / "history.csv")
            long_history(paths[-1])
        for path in paths:
            subprocess.run([sys.executable, "-c", READ, str(path)], check=True)


if __name__ == "__main__":
    main()
