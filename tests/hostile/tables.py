"""Tables of runs, mutated: cells, columns, headers, rows, bytes and formats."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
from collections.abc import Callable
from pathlib import Path

from hostile import damage, values

Rows = list[list[object]]
HEADERS: tuple[tuple[str, ...], ...] = (
    ("params", "tokens", "loss"),
    ("N", "D", "C", "loss"),
    ("run", "params", "tokens", "flops", "loss", "loss_se"),
    ("model_size", "training_tokens", "budget", "val_loss"),
    ("run_id", "step", "params", "tokens", "loss", "lr", "status"),
    ("Name", "n_params (M)", "tokens (B)", "eval/loss", "unique_tokens", "seed"),
)
NAMES: tuple[str, ...] = (
    "loss", "N", "D", "C", "params", "tokens", "flops", "perplexity", "bits_per_byte", "log_loss", "run_id", "step",
    "status", "final", "lr", "budget", "loss_se", "unique_tokens", "seed", "batch_size", "params (B)", "log10(N)",
    "train_loss", "eval/loss", "", " ", "index", "Unnamed: 0",
)  # fmt: skip
SUFFIXES = (".csv", ".csv", ".csv", ".tsv", ".jsonl", ".json", ".json", ".csv.gz", ".jsonl.gz", ".json.gz", ".parquet")


def clean(rng: random.Random) -> tuple[list[str], Rows]:
    """(header, rows) of a sweep from a known law, with noise."""
    header = list(rng.choice(HEADERS))
    rows: Rows = []
    for budget in (1e18, 4e18, 1.6e19, 6.4e19)[: rng.choice((2, 4, 4))]:
        for ratio in (0.3, 0.55, 1.0, 1.8, 3.3):
            params = round(0.09 * budget**0.5 * ratio)
            tokens = budget / 6 / params
            loss = (1.69 + 406 * params**-0.34 + 410 * tokens**-0.28) * math.exp(rng.gauss(0, 1e-3))
            rows.append([_cell(name, params, tokens, loss, len(rows), budget) for name in header])
    return header, rows


def _cell(name: str, params: float, tokens: float, loss: float, row: int, budget: float) -> object:
    plain = name.lower()
    if "loss_se" in plain:
        return 0.01
    if "loss" in plain:
        return round(loss, 5)
    if "unique" in plain:
        return round(tokens)
    if plain in ("c", "flops", "budget"):
        return budget
    if "(m)" in plain:
        return params / 1e6
    if "(b)" in plain:
        return tokens / 1e9
    if plain in ("n", "params", "model_size"):
        return int(params)
    if plain in ("d", "tokens", "training_tokens"):
        return round(tokens)
    return {"step": 1000 + row, "lr": 3e-4, "status": "finished", "seed": 0}.get(plain, f"run-{row}")


def mutated(rng: random.Random, folder: Path) -> Path:
    """A table in `folder` that is wrong in one to four ways."""
    header, rows = clean(rng)
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        rng.choice(MUTATIONS)(header, rows, rng)
    suffix = rng.choice(SUFFIXES)
    file = folder / f"table{suffix}"
    data = _written(header, rows, suffix.removesuffix(".gz"), rng)
    if rng.random() < 0.15:
        data = damage.damaged_bytes(data, rng)
    if suffix.endswith(".gz"):
        data = gzip.compress(data, 1)
        if rng.random() < 0.3:
            data = damage.damaged_bytes(data, rng)
    file.write_bytes(data)
    return file


def _a_cell(header: list[str], rows: Rows, rng: random.Random) -> None:
    if rows and rows[-1]:
        row = rng.choice(rows)
        if row:
            row[rng.randrange(len(row))] = values.text(rng)


def _a_column(header: list[str], rows: Rows, rng: random.Random) -> None:
    at, value = rng.randrange(max(1, len(header))), values.text(rng)
    for row in rows:
        if at < len(row):
            row[at] = value


def _a_scale(header: list[str], rows: Rows, rng: random.Random) -> None:
    at, scale = rng.randrange(max(1, len(header))), rng.choice((1e-300, 1e-30, 1e-9, -1.0, 0.0, 1e9, 1e30, 1e290))
    for row in rows:
        if at < len(row) and isinstance(row[at], int | float):
            row[at] *= scale


def _a_power(header: list[str], rows: Rows, rng: random.Random) -> None:
    at, power = rng.randrange(max(1, len(header))), rng.choice((-1.0, 0.0, 0.01, 8.0))
    for row in rows:
        if at < len(row) and isinstance(row[at], int | float) and row[at] > 0:
            row[at] = math.exp(min(power * math.log(row[at]), 690.0))


def _a_name(header: list[str], rows: Rows, rng: random.Random) -> None:
    if header:
        header[rng.randrange(len(header))] = rng.choice(NAMES) if rng.random() < 0.6 else values.text(rng)


def _another_column(header: list[str], rows: Rows, rng: random.Random) -> None:
    header.append(rng.choice(NAMES) if rng.random() < 0.7 else values.text(rng))
    same = values.text(rng)
    kind = rng.randrange(3)
    for number, row in enumerate(rows):
        row.append(same if kind == 0 else number * 10.0 ** rng.randrange(-3, 12) if kind == 1 else values.text(rng))


def _other_rows(header: list[str], rows: Rows, rng: random.Random) -> None:
    kind = rng.randrange(6)
    if kind == 0:
        del rows[rng.choice((0, 1, 2, 3, 5)) :]
    elif kind == 1:
        rows.extend([list(row) for row in rows])
    elif kind == 2:
        rows.insert(rng.randrange(len(rows) + 1), list(header))
    elif kind == 3 and rows:
        rng.choice(rows).append("more")
    elif kind == 4 and rows and rows[0]:
        rng.choice(rows).pop()
    elif rows:
        rows[:] = [list(rows[0]) for _ in range(rng.choice((3, 30)))]


def _shuffled(header: list[str], rows: Rows, rng: random.Random) -> None:
    rng.shuffle(header)


MUTATIONS: tuple[Callable[[list[str], Rows, random.Random], None], ...] = (
    _a_cell, _a_cell, _a_cell, _a_column, _a_scale, _a_power, _a_name, _a_name, _another_column, _another_column,
    _other_rows, _shuffled,
)  # fmt: skip


def _written(header: list[str], rows: Rows, suffix: str, rng: random.Random) -> bytes:
    if suffix in (".csv", ".tsv"):
        text = io.StringIO()
        mark = "\t" if suffix == ".tsv" else rng.choice((",", ",", ",", ";"))
        csv.writer(text, delimiter=mark, lineterminator=rng.choice(("\n", "\r\n"))).writerows([header, *rows])
        return text.getvalue().encode("utf-8", "surrogatepass")
    named = [dict(zip(header, row, strict=False)) for row in rows]
    if suffix == ".jsonl":
        return "\n".join(_json_row(row, rng) for row in named).encode("utf-8", "surrogatepass")
    if suffix == ".json":
        columns = {name: [row.get(name) for row in named] for name in header}
        value: object = rng.choice((named, named, columns, {"results": named}, {"data": rows, "columns": header}))
        text = json.dumps(value) if rng.random() < 0.5 else damage.damaged_json(value, rng)
        return text.encode("utf-8", "surrogatepass")
    return _parquet(header, rows)


def _json_row(row: dict[str, object], rng: random.Random) -> str:
    return json.dumps(row) if rng.random() < 0.97 else damage.damaged_json(row, rng)


def _parquet(header: list[str], rows: Rows) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError:
        return b"PAR1"
    columns = [[row[i] if i < len(row) else None for row in rows] for i in range(len(header))]
    arrays = []
    for cells in columns:
        try:
            arrays.append(pa.array(cells))
        except (pa.ArrowException, OverflowError, UnicodeEncodeError):
            arrays.append(pa.array([str(cell).encode("utf-8", "replace").decode() for cell in cells]))
    file = io.BytesIO()
    names = [name.encode("utf-8", "replace").decode() for name in header]
    parquet.write_table(pa.table(arrays, names=names), file)
    return file.getvalue()
