"""Seconds that `isoflop watch` takes on a log of 100,000 lines, and of the processor while it follows an idle one.

    python bench/watch/reading.py [--idle 60]

Logs are written here first: a run folder, a CSV and JSON Lines of 100,000 lines, each with three finished runs beside
it. Every answer is that of a process of its own, imports included; the least of five. While a log is followed,
nothing is written for `--idle` seconds, and then one line.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from isoflop.logs import LogOptions
from isoflop.logs.growing import GrowingLog

LINES, SMALL, EACH = 100_000, 1_000, 6_144
REPEATS = 5
ISOFLOP = (sys.executable, "-c", "from isoflop.cli import main; main()")
KINDS = ("run folder", "CSV", "JSON Lines")


def loss_of(size: float, share: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(int(size)).standard_normal(len(share))
    return (1.8 + 480 * size**-0.35) * (1 + 0.2 * (1 - share) ** 1.5) * np.exp(0.002 * noise)


def write_run(place: Path, kind: str, size: float, lines: int, until: float) -> Path:
    """A run of `lines` lines up to `until` of its schedule, as a run folder or a file."""
    share = until * np.arange(1, lines + 1) / lines
    losses, rates = loss_of(size, share), 1e-3 * 0.5 * (1 + np.cos(np.pi * share))
    steps = np.arange(1, lines + 1)
    if kind == "run folder":
        place.mkdir(parents=True)
        spec = {
            "architecture": {}, "batch_tokens": EACH, "tokens": round(EACH * lines / until), "peak_lr": 1e-3,
            "warmup_tokens": 0, "schedule": {"kind": "cosine", "final_fraction": 0.0, "cooldown_fraction": 0.2},
        }  # fmt: skip
        (place / "spec.json").write_text(json.dumps(spec))
        with (place / "metrics.jsonl").open("w") as file:
            for step, loss, rate in zip(steps.tolist(), losses.tolist(), rates.tolist(), strict=True):
                line = {"flops": 6 * size * EACH * step, "lr": rate, "step": step, "tokens": EACH * step,
                        "train_loss_nats": loss, "wall_seconds": 0.1 * step}  # fmt: skip
                file.write(json.dumps(line) + "\n")
        if until == 1:
            result = {
                "status": "done",
                "steps": lines,
                "val_loss_nats": float(losses[-50:].mean()),
                "tokens_seen": EACH * lines,
            }
            (place / "result.json").write_text(json.dumps(result))
        return place
    file = place.with_suffix(".csv" if kind == "CSV" else ".jsonl")
    with file.open("w") as text:
        if kind == "CSV":
            text.write("step,tokens,lr,train/loss\n")
        for step, loss, rate in zip(steps.tolist(), losses.tolist(), rates.tolist(), strict=True):
            row = {"step": step, "tokens": EACH * step, "lr": rate, "train/loss": loss}
            text.write(",".join(map(repr, row.values())) + "\n" if kind == "CSV" else json.dumps(row) + "\n")
    return file


def arguments(folder: Path, kind: str) -> tuple[Path, list[str]]:
    """(the log, the command that watches it)"""
    small = folder / "small"
    small.mkdir()
    # all of 20 tokens per parameter, so that they are held against each other
    size_of = {f"small-{i}": SMALL * EACH / 20 * i / 3 for i in (1, 2, 3)}
    for i, (name, size) in enumerate(size_of.items(), start=1):
        write_run(small / name, kind, size, SMALL * i // 3, 1.0)
    size_of["big"] = LINES / 0.4 * EACH / 20
    log = write_run(folder / "big", kind, size_of["big"], LINES, 0.4)
    sizes = [f"--params-of={name}={size:.0f}" for name, size in size_of.items()]
    command = [*ISOFLOP, "watch", str(log), "--like", str(small), *sizes]
    return log, [*command, f"--total-tokens={LINES / 0.4 * EACH:.0f}"]


def answered(command: list[str]) -> tuple[float, float]:
    """(seconds of the processor, seconds by the clock) of one answer."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 4) or "Will end at" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def cpu_seconds(pid: int) -> float:
    """Of the processor, that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(command: list[str], seconds: float) -> float:
    """Seconds of the processor while a followed log does not change."""
    with subprocess.Popen(
        [*command, "--follow"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(3)  # the rest of the first answer
        before = cpu_seconds(child.pid)
        time.sleep(seconds)
        spent = cpu_seconds(child.pid) - before
        child.terminate()
    return spent


def appended(log: Path) -> tuple[int, float]:
    """(bytes read, seconds of the processor) of a look at a log to which one line was added."""
    growing = GrowingLog(log, LogOptions())
    growing.look()
    file = log / "metrics.jsonl" if log.is_dir() else log
    last = file.read_bytes().splitlines(keepends=True)[-1]
    with file.open("ab") as end:
        end.write(last)
    read, start = growing.bytes_read, time.process_time()
    growing.look()
    return growing.bytes_read - read, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=float, default=60.0)
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {LINES:,} lines\n")
    print("| log | MB | answer, CPU s | answer, s | one line more, bytes read | CPU s | idle, CPU s a minute |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as name:
            log, command = arguments(Path(name), kind)
            file = log / "metrics.jsonl" if log.is_dir() else log
            times = [answered(command) for _ in range(REPEATS)]
            cpu, wall = min(one for one, _ in times), min(one for _, one in times)
            spent = idle(command, options.idle) * 60 / options.idle
            size, more = file.stat().st_size, appended(log)
            print(
                f"| {kind} | {size / 1e6:.0f} | {cpu:.2f} | {wall:.2f} | {more[0]} | {more[1]:.3f} | {spent:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
