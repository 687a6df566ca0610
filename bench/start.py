"""Processor time that short questions take, start of the interpreter included: the least of ten calls each.

    python bench/start.py

Other work on the machine lengthens a call and shortens none, so the least is the one to compare.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

CALLS = 10
QUESTIONS = (
    ("--help",),
    ("plan", "1e21"),
    ("plan", "$2M"),
    ("predict", "7B", "1T"),
    ("count", "7B"),
    ("laws", "1e21"),
    ("explain", "extrapolation"),
)


def processor_seconds(arguments: tuple[str, ...]) -> float:
    """User and system time of one call of isoflop."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "isoflop", *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Prints a line a question."""
    print("| question | processor time |\n|---|---|")
    for arguments in QUESTIONS:
        print(f"| isoflop {' '.join(arguments)} | {min(processor_seconds(arguments) for _ in range(CALLS)):.2f} s |")


if __name__ == "__main__":
    main()
