"""The run index: one SQLite table of all runs, derived from the run folders and rebuilt from them at any time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from isoflop.arch import FLOPS_CONVENTIONS
from isoflop.codec import JsonObject
from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.json_values import json_value
from isoflop.regular_files import link_refused
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.runs.result import counted_params
from isoflop.units import format_number

SCHEMA = 6
"""Version of the table, kept as SQLite's user_version. A table of another version is rebuilt."""
BUSY_SECONDS = 30.0
"""How long an access waits for another process's write to end."""

_SUFFIXES = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite writes next to its own."""

_SHAPE = {
    "family": "TEXT",
    "n_layers": "INTEGER",
    "d_model": "INTEGER",
    "n_heads": "INTEGER",
    "n_kv_heads": "INTEGER",
    "head_dim": "INTEGER",
    "d_ff": "INTEGER",
    "vocab_size": "INTEGER",
    "tied_embedding": "INTEGER",
    "n_positions": "INTEGER",
}
_SPEC = {
    "tokens": "INTEGER",
    "batch_tokens": "INTEGER",
    "seq_len": "INTEGER",
    "peak_lr": "REAL",
    "warmup_tokens": "INTEGER",
    "seed": "INTEGER",
    "corpus": "TEXT",
    "eval_tokens": "INTEGER",
    "precision": "TEXT",
    "trainer": "INTEGER",
    "budget_flops": "REAL",
    "group": "TEXT",
    "z_loss": "REAL",
    "masked_fraction": "REAL",
}
_RESULT = {
    "reason": "TEXT",
    "message": "TEXT",
    "steps": "INTEGER",
    "tokens_seen": "INTEGER",
    "train_loss_nats": "REAL",
    "val_loss_nats": "REAL",
    "val_loss_se": "REAL",
    "bits_per_byte": "REAL",
    "metric_version": "INTEGER",
    "wall_seconds": "REAL",
    "device": "TEXT",
    "threads": "INTEGER",
    "code_version": "TEXT",
    "torch_version": "TEXT",
    "finished": "REAL",
    "products": "TEXT",
    "micro_batch_sequences": "INTEGER",
    "shortages": "INTEGER",
    "flops_per_second": "REAL",
    "mfu": "REAL",
    "spent_tokens": "INTEGER",
}
_COUNTS = {f"params_{name}": "INTEGER" for name in ("total", "non_embedding", "matmul")}
_FLOPS = {f"flops_{name}": "REAL" for name in FLOPS_CONVENTIONS}
_JSON = {
    "without": "TEXT",
    "params": "TEXT",
    "domains": "TEXT",
    "schedule": "TEXT",
    "optimizer": "TEXT",
    "begins": "TEXT",
}
_STATE = {"status": "TEXT", "attempts": "INTEGER", "first_started": "REAL"}
COLUMNS: dict[str, str] = {
    "run_id": "TEXT PRIMARY KEY",
    **_STATE,
    **_SHAPE,
    **_SPEC,
    **_COUNTS,
    **_RESULT,
    **_FLOPS,
    **_JSON,
}
"""{column: SQLite type}. Names are those of RunSpec and RunResult; nested ones are spread out or JSON objects."""

_NEVER_NULL = {"run_id", *_STATE, *_JSON} - {"first_started"}

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class RunIndex:
    """The table `runs` of a study.db. A value without an open connection: any process may read while one writes."""

    path: Path
    runs_dir: Path | None = None
    """Where the run folders are; None: `runs` next to the file."""

    @property
    def folders(self) -> Path:
        """The folder of run folders that the run index is derived from."""
        return self.runs_dir or self.path.parent / "runs"

    def record(self, *folders: RunFolder) -> None:
        """Writes the rows of `folders` as they stand now.

        Raises InputError when a file of a folder is corrupt or the disk does not take the row.
        """
        rows = [row_of(folder) for folder in folders]
        self._answer(lambda db: _insert(db, rows))

    def rows(self) -> list[JsonObject]:
        """Every run, by run_id: {column: value} with None for what is not known, and JSON columns read."""
        return self._answer(_select)

    def reindex(self, runs_dir: Path | None = None) -> None:
        """Rebuilds the table from the run folders: the same rows as if each had been recorded now."""
        rows = _rows_of(run_folders(runs_dir or self.folders))

        def replace(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM runs")
            _insert(db, rows)

        self._answer(replace, fill=False)

    def _answer(self, question: Callable[[sqlite3.Connection], _Answer], *, fill: bool = True) -> _Answer:
        """What `question` returns; on a missing, foreign or corrupt file, after rebuilding it (`fill`: with rows)."""
        try:
            return self._ask(question)
        except _Unusable:
            for suffix in ("", *_SUFFIXES):
                with storing(self.path):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        rows = _rows_of(run_folders(self.folders)) if fill else []
        self._ask(lambda db: _create(db, rows), new=True)
        return self._ask(question)

    def _ask(self, question: Callable[[sqlite3.Connection], _Answer], *, new: bool = False) -> _Answer:
        with storing(self.path):
            if not new and not self.path.exists():
                raise _Unusable
            self.path.parent.mkdir(parents=True, exist_ok=True)
        for suffix in ("", *_SUFFIXES):  # SQLite follows links
            if (part := self.path.with_name(self.path.name + suffix)).is_symlink():
                raise link_refused(part)
        with _explained(self.path), closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as db:
            if not new and db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                raise _Unusable
            db.execute("PRAGMA trusted_schema = OFF")  # a received file may hold views and triggers of its own
            db.execute("PRAGMA synchronous = NORMAL")  # in WAL mode: never corrupt, and the folders hold the truth
            with db:
                return question(db)


class _Unusable(Exception):
    """The file is missing, of another version, or no database."""


@contextmanager
def _explained(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            text = f"{path}: disk full or failing ({error}): free some MiB and run the same command again"
            raise InputError(text) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise InputError(f"{path}: cannot be written ({error}); make the folder and file writable") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InputError(
                f"{path}: in use by another process for {format_number(BUSY_SECONDS)} s; try again later"
            ) from error
        raise _Unusable from error


def _create(db: sqlite3.Connection, rows: Iterable[JsonObject]) -> None:
    db.commit()
    db.execute("PRAGMA journal_mode = WAL")
    with db:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        db.execute(f"CREATE TABLE IF NOT EXISTS runs ({columns})")
        _insert(db, rows)
        db.execute(f"PRAGMA user_version = {SCHEMA}")


def _insert(db: sqlite3.Connection, rows: Iterable[JsonObject]) -> None:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    values = ", ".join(f":{name}" for name in COLUMNS)
    db.executemany(f"INSERT OR REPLACE INTO runs ({names}) VALUES ({values})", rows)  # noqa: S608 - our own names


def _select(db: sqlite3.Connection) -> list[JsonObject]:
    cursor = db.execute("SELECT * FROM runs ORDER BY run_id")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, values, strict=True)) for values in cursor]
    if names != list(COLUMNS) or any(not _fits(name, value) for row in rows for name, value in row.items()):
        raise _Unusable
    for row in rows:
        row["tied_embedding"] = bool(row["tied_embedding"])
        for name in _JSON:
            try:
                row[name] = json_value(str(row[name]))
            except ValueError as error:
                raise _Unusable from error
    return rows


def _fits(name: str, value: object) -> bool:
    """Whether a cell has its column's type: SQLite takes any."""
    if value is None:
        return name not in _NEVER_NULL
    kinds: dict[str, type | tuple[type, ...]] = {"INTEGER": int, "REAL": (int, float), "TEXT": str}
    return isinstance(value, kinds[COLUMNS[name].split()[0]])


def _rows_of(folders: Iterable[RunFolder]) -> list[JsonObject]:
    rows, problems = [], []
    for folder in folders:
        try:
            rows.append(row_of(folder))
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError.gathered("run folders", problems)
    return rows


def row_of(folder: RunFolder) -> JsonObject:
    """{column: SQLite value} of a run, read from its folder. Raises InputError that names a corrupt file."""
    status = folder.status()
    spec, result, attempts = folder.read_spec(), folder.read_result(), folder.attempts()
    shape, params = asdict(spec.architecture), counted_params(spec.architecture)
    row: JsonObject = dict.fromkeys(COLUMNS)
    row |= {"run_id": folder.run_id, "status": status, "attempts": len(attempts)}
    row |= {"first_started": attempts[0].started if attempts else None}
    row |= {name: shape[name] for name in _SHAPE} | {name: getattr(spec, name) for name in _SPEC}
    domains: Mapping[str, Mapping[str, float | None]] = {}
    if result is not None:
        row |= {"status": result.status} | {name: getattr(result, name) for name in _RESULT}
        row |= {f"flops_{name}": value for name, value in result.flops.items()}
        params, domains = result.params, result.domains  # what was trained, not what the shape would count today
    row |= {name: params.get(name.removeprefix("params_")) for name in _COUNTS}
    parts = {
        "without": shape["without"],
        "params": params,
        "domains": domains,
        "schedule": asdict(spec.schedule),
        "optimizer": asdict(spec.optimizer),
        "begins": spec.begins.as_json() if spec.begins else None,
    }
    return row | {name: json.dumps(value, sort_keys=True) for name, value in parts.items()}
