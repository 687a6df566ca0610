"""Seconds to read tables of many rows, and to fit them: python bench/fit/reading.py [ROWS] [--fit]; see reading.md."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from isoflop.laws import published_law
from isoflop.observations import read_observations


def tables(rows: int) -> dict[str, np.ndarray]:
    """Runs of random sizes and lengths with half a per cent of noise."""
    rng = np.random.default_rng(0)
    N = np.exp(rng.uniform(np.log(1e7), np.log(1e10), rows))
    D = N * np.exp(rng.uniform(np.log(2), np.log(200), rows))
    loss = published_law("besiroglu2024").loss(N, D) * np.exp(0.005 * rng.standard_normal(rows))
    return {"params": N, "tokens": D, "flops": 6 * N * D, "loss": loss}


def write(folder: Path, columns: dict[str, np.ndarray]) -> dict[str, Path]:
    """The same table as plain CSV, with sizes and tokens as text, as a sweep of learning rates, and as JSON Lines."""
    plain = [f"{n:.0f},{d:.0f},{c:.8g},{loss:.6f}" for n, d, c, loss in zip(*columns.values(), strict=True)]
    words = [
        f"{n / 1e6:.3f}M,{d / 1e9:.3f}B,{c:.8g},{loss:.6f}" for n, d, c, loss in zip(*columns.values(), strict=True)
    ]
    rates = [f"{row},{10 ** -(3 + i % 5 / 2):.3g}" for i, row in enumerate(np.repeat(plain[: len(plain) // 5], 5))]
    lines = [
        json.dumps({"run": f"r{i // 4}", **dict(zip(columns, map(float, row), strict=True))})
        for i, row in enumerate(zip(*columns.values(), strict=True))
    ]
    header = ",".join(columns)
    texts = {
        "CSV": [header, *plain],
        "CSV, 70.123M and 1.234B": [header, *words],
        "CSV, five learning rates a cell": [f"{header},lr", *rates],
        "JSON Lines": lines,
    }
    made = {}
    for number, (name, text) in enumerate(texts.items()):
        made[name] = folder / f"{number}.{'jsonl' if name.startswith('JSON') else 'csv'}"
        made[name].write_text("\n".join(text) + "\n")
    return made


def whole_command(path: Path) -> tuple[float, float, float]:
    """(wall seconds, processor seconds, MiB at the most) of `isoflop fit PATH --json`, a process of its own."""
    command = [sys.executable, "-m", "isoflop", "fit", str(path), "--json"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=100_000)
    parser.add_argument("--fit", action="store_true", help="the whole command `isoflop fit FILE --json` instead, once")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), tables(asked.rows))
        if asked.fit:
            print(f"# `isoflop fit FILE --json` of {asked.rows:,} rows\n")
            print(f"`python bench/fit/reading.py {asked.rows} --fit`\n")
            print("| table | wall, s | processor, s | MiB |\n|---|---|---|---|")
            for name, path in files.items():
                wall, spent, size = whole_command(path)
                print(f"| {name} | {wall:.1f} | {spent:.1f} | {size:,.0f} |", flush=True)
            return
        print(
            f"# Reading {asked.rows:,} rows\n\n`python bench/fit/reading.py {asked.rows}`; best of five, one process.\n"
        )
        print("| table | rows used | wall, s | processor, s |\n|---|---|---|---|")
        for name, path in files.items():
            wall, cpu = [], []
            for _ in range(5):
                start, spent = time.perf_counter(), time.process_time()
                made = read_observations(path)
                wall.append(time.perf_counter() - start)
                cpu.append(time.process_time() - spent)
            print(f"| {name} | {len(made):,} | {min(wall):.2f} | {min(cpu):.2f} |")


if __name__ == "__main__":
    main()
