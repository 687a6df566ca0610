"""python bench/train/gpus.py FOLDER [--minutes 10] [--devices cuda]: a study on GPUs, where its runs went, how busy the
GPUs were, as Markdown for docs/gpus.md; the study prints its plan. A study that is finished is only reported."""

from __future__ import annotations

import argparse
import csv
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from isoflop.runs.folder import run_folders
from isoflop.study import StudyFolder
from isoflop.study.machine import devices_of, read_machine
from isoflop.units import format_flops, format_number

SAMPLE_SECONDS = 1
FIELDS = ("index", "utilization.gpu", "memory.used")


def sampled(file: Path) -> subprocess.Popen[bytes] | None:
    """nvidia-smi that writes how busy each GPU is into `file` every second; None where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits", f"--loop={SAMPLE_SECONDS}"]
    with open(file, "ab") as out:
        return subprocess.Popen(query, stdout=out)


def utilization(file: Path) -> list[str]:
    """Rows of the table: each GPU's share of the seconds in which a kernel ran, and the most of its memory in use."""
    busy, memory = defaultdict(list), defaultdict(list)
    if file.exists():
        with open(file, newline="") as lines:
            for row in csv.reader(lines):
                if len(row) == len(FIELDS) and row[1].strip().isdigit():
                    busy[row[0]].append(float(row[1]))
                    memory[row[0]].append(float(row[2]))
    return [
        f"| {gpu} | {statistics.mean(busy[gpu]):.0f} % | {max(memory[gpu]) / 1024:.1f} GiB |" for gpu in sorted(busy)
    ] or ["| - | nvidia-smi was not there | - |"]


def runs(folder: StudyFolder) -> list[str]:
    """Rows of the table: runs by device and precision of their products."""
    by_device = defaultdict(list)
    for run in run_folders(folder.runs):
        result = run.read_result()
        if result is not None:
            by_device[result.device, result.products].append(result)
    rows = []
    for (device, products), results in sorted(by_device.items(), key=str):
        sizes = [result.params["non_embedding"] for result in results]
        seconds = sum(result.wall_seconds or 0.0 for result in results)
        flops = sum(result.flops.get("matmul", 0.0) for result in results)
        mfus = [result.mfu for result in results if result.mfu is not None]
        mfu = f"{100 * statistics.median(mfus):.2g} %" if mfus else "-"
        span = f"{format_number(min(sizes))} to {format_number(max(sizes))}"
        rows.append(
            f"| {device} | {products} | {len(results)} | {span} | {format_flops(flops)} | {seconds:.0f} | {mfu} |"
        )
    return rows


def main() -> int:
    """Runs the study and prints the page's part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--devices", default="cuda")
    parser.add_argument("options", nargs="*", help="further options of `isoflop study`, after --")
    arguments = parser.parse_args()
    folder, samples = StudyFolder(arguments.folder), arguments.folder.with_name(f"{arguments.folder.name}-gpus.csv")
    sampler = sampled(samples)
    try:
        command = [sys.executable, "-m", "isoflop", "study", str(folder.path), "--devices", arguments.devices]
        code = subprocess.call([*command, "--minutes", str(arguments.minutes), *arguments.options])
    finally:
        if sampler is not None:
            sampler.terminate()
            sampler.wait()
    machine = read_machine(folder.machine)
    for device, used in zip(machine.devices, devices_of(machine), strict=True):
        measured = "; ".join(
            f"{speed.processes} at a time: " + ", ".join(f"{1e3 * row.step_seconds:.3g}" for row in speed.trainer)
            for speed in device.speeds
        )
        print(f"{used.place.name}, {device.name}: {used.place.slots} at a time; ms a step, {measured}\n")
    print("| device | products | runs | parameters | FLOPs | process seconds | median MFU |\n" + "|---" * 7 + "|")
    print("\n".join(runs(folder)))
    print("\n| GPU | kernels ran | most memory |\n|---|---|---|")
    print("\n".join(utilization(samples)))
    return code


if __name__ == "__main__":
    sys.exit(main())
