"""Logs that are damaged: those of every library, and tables of every layout, with bytes flipped, cut, or put anew."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from hostile.damage import damaged_bytes, damaged_json

GOLDEN = Path(__file__).parents[1] / "golden" / "logs"
ODD = ("\x1b[31mred", "../../up", "a\nb", "\u202eback", "n" * 200, "loss", "", " ", "=1+1", "<script>")
"""Names of runs, columns and files."""


def any_log(rng: random.Random, folder: Path) -> Path:
    """A log in `folder`, damaged in one of its files or in none of them."""
    made = folder / "logs"
    if rng.random() < 0.5:
        shutil.copytree(rng.choice(sorted(path for path in GOLDEN.iterdir() if (path / "toy").is_dir())), made)
    else:
        made.mkdir()
        _write_table(rng, made)
    files = sorted(path for path in made.rglob("*") if path.is_file())
    for file in rng.sample(files, min(len(files), rng.choice((0, 1, 1, 3)))):
        file.write_bytes(damaged_bytes(file.read_bytes(), rng))
    return made if rng.random() < 0.7 or len(files) > 1 else files[0]


def _write_table(rng: random.Random, folder: Path) -> None:
    names = ["step", rng.choice(("tokens", "lr", *ODD)), rng.choice(("train/loss", "loss", *ODD)), "eval/c4/loss"]
    steps = range(0, 100 * rng.choice((1, 2, 10)), 10)
    cells = (3.5, 3.25, 0.0, -1.0, 1e308, float("nan"), float("inf"), None, "x", True, "1,5", 10**30, [1], {"a": 1})
    rows = [[step, *(rng.choice(cells) if rng.random() < 0.2 else 4 - step / 500 for _ in names[1:])] for step in steps]
    file = folder / (
        rng.choice(("runs", "metrics", "run-a-tag-eval_loss")) + rng.choice((".csv", ".jsonl", ".json", ""))
    )
    if rng.random() < 0.4:
        text = ",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    elif rng.random() < 0.5:
        text = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
    else:
        whole = {"recipe": rng.choice(ODD), "run": rng.choice((0, None, [], "a")), "curve": [row[:2] for row in rows]}
        text = damaged_json(whole, rng)
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
