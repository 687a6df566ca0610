"""Studies that are damaged, a file at a time, and the verbs that read them."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path

from hostile import damage, values
from hostile.verdict import ask

READERS: tuple[tuple[str, ...], ...] = (
    ("status", "{}"),
    ("status", "{}", "--json"),
    ("report", "{}"),
    ("score", "{}"),
    ("ledger", "{}"),
    ("ledger", "{}", "--json"),
    ("fit", "{}", "--json"),
    ("fit", "{}"),
    ("predict", "--fit", "{}", "--params", "20K", "--tokens", "1M", "--json"),
    ("predict", "--fit", "{}", "--params", "20K", "--tokens", "1M"),
    ("plan", "--fit", "{}", "--flops", "1e11", "--json"),
    ("plan", "--fit", "{}", "--flops", "1e11", "--family", "llama"),
    ("run", "{}", "--reindex"),
    ("report", "--fit", "{}/fits/sweep.json"),
    ("log", "{}", "--to", "tensorboard"),
    ("sweep", "{}"),
)
"""Verbs that read a finished study and train nothing where it is whole; {} is its folder."""


def files_of(study: Path) -> list[Path]:
    """The files of a study that are read again, of its runs those of three, relative to its folder."""
    runs = sorted((study / "runs").iterdir())
    kept = {runs[0].name, runs[len(runs) // 2].name, runs[-1].name}
    found = []
    for path in sorted(study.rglob("*")):
        inside = path.relative_to(study)
        of_run = inside.parts[0] == "runs" and len(inside.parts) > 1 and inside.parts[1] not in kept
        if path.is_file() and not of_run and not path.name.endswith((".txt", ".safetensors", ".html")):
            found.append(inside)
    return found


def small_copy(study: Path, target: Path) -> Path:
    """A copy without weights, text and checkpoints, which no verb of READERS reads."""
    left = shutil.ignore_patterns("*.safetensors", "checkpoints", "*.html")
    return Path(shutil.copytree(study, target, ignore=left, symlinks=True))


def faults_of(name: str, study: Path, scratch: Path, damages: int) -> list[str]:
    """What verbs of READERS do wrong once the file of that name is damaged so many times, and once replaced."""
    file = next(file for file in files_of(study) if file.as_posix() == name or file.name == name)
    found = []
    for number in range(damages + 1):
        rng = random.Random(f"{name} {number}")
        copy = small_copy(study, scratch / str(number))
        if number == damages:
            how = rng.choice(damage.IN_PLACE)
            damage.put_in_place(copy / file, how)
        else:
            how = damaged(copy / file, rng)
        for verb in rng.sample(READERS, 2):
            answer = ask(*(part.format(copy) for part in verb))
            found += [f"{how} {number}, {verb}: {fault}\n{answer.where}" for fault in answer.faults]
        shutil.rmtree(copy)
    return found


def damaged(file: Path, rng: random.Random) -> str:
    """Damages `file` in place; says how."""
    kind = rng.random()
    if kind < 0.12:
        how = rng.choice(damage.IN_PLACE)
        damage.put_in_place(file, how)
        return how
    data = file.read_bytes()
    file.chmod(0o644)
    if kind < 0.3 or file.suffix in (".bin", "", ".npz", ".log", ".csv"):
        file.write_bytes(damage.damaged_bytes(data, rng))
        return "bytes"
    if file.suffix == ".json":
        text = damage.damaged_json(json.loads(data), rng)
    elif file.suffix == ".jsonl":
        lines = data.decode().splitlines()
        at = rng.randrange(len(lines))
        lines[at] = damage.damaged_json(json.loads(lines[at]), rng)
        text = "\n".join(lines) + "\n"
    elif file.suffix == ".toml":
        file.write_bytes(damage.damaged_toml(data.decode(), rng))
        return "values"
    elif file.suffix == ".db":
        return _damaged_database(file, rng)
    else:
        text = damage.damaged_bytes(data, rng).decode("utf-8", "replace")
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    return "values"


def _damaged_database(file: Path, rng: random.Random) -> str:
    db = sqlite3.connect(file)
    columns = [row[1] for row in db.execute("PRAGMA table_info(runs)")]
    column, value = rng.choice(columns), rng.choice((None, "x", "", b"\xff", 1e300, -1, values.json_text(rng)[:1000]))
    with db:
        how = rng.randrange(4)
        if how == 0:
            db.execute("DROP TABLE runs")
        elif how == 1:
            db.execute(f'ALTER TABLE runs RENAME COLUMN "{column}" TO "other"')
        elif how == 2:
            db.execute(f'UPDATE OR REPLACE runs SET "{column}" = ?', (value,))
        else:
            db.execute(f'UPDATE OR REPLACE runs SET "{column}" = ? WHERE rowid = 3', (value,))
    db.close()
    return f"database {how} {column}"
