"""Time and memory that a corpus of much text takes: python bench/corpus_size.py FOLDER [--gigabytes 1] [--jsonl]

Makes the text in FOLDER, builds its corpus in a process of its own and deletes both.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

VOCABULARY = 60_000
BUILD = (
    "import sys; from pathlib import Path; from isoflop.corpus import *; "
    "build_corpus(Path(sys.argv[1]), CorpusSources(kind='text', paths=(Path(sys.argv[2]),)))"
)


def write_text(path: Path, size: int, *, jsonl: bool) -> None:
    """About `size` bytes of made-up words by Zipf's law, in sentences of a line and documents of 100 to 900 words."""
    draw = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    words = ["".join(draw.choice(letters, size=draw.integers(2, 11))) for _ in range(VOCABULARY)]
    shares = 1 / np.arange(1, VOCABULARY + 1)
    reached = np.cumsum(shares / shares.sum())
    written = 0
    with path.open("w") as file:
        while written < size:
            picked = [words[i] for i in np.searchsorted(reached, draw.random(int(draw.integers(100, 900))))]
            lines, at = [], 0
            while at < len(picked):
                length = int(draw.integers(8, 18))
                lines.append(" ".join(picked[at : at + length]).capitalize() + ".")
                at += length
            text = "\n".join(lines)
            written += file.write(json.dumps({"text": text}) + "\n" if jsonl else text + "\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--jsonl", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    try:
        text = arguments.folder / ("text.jsonl" if arguments.jsonl else "text.txt")
        write_text(text, int(arguments.gigabytes * 1e9), jsonl=arguments.jsonl)
        subprocess.run([sys.executable, "-c", BUILD, str(arguments.folder / "corpus"), str(text)], check=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{used.ru_utime + used.ru_stime:.0f} s of processor time, {used.ru_maxrss / 2**20:.2f} GiB at the most")
    finally:
        shutil.rmtree(arguments.folder)


if __name__ == "__main__":
    main()
