"""MLflow's database, `mlflow.db`: SQLite with the tables runs, metrics, params and tags (mlflow-skinny 3.17)."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from isoflop.errors import InputError
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.mlflow_runs import StoredRun, made_run, own_tags
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.settings import setting_in
from isoflop.logs.source import LogSource

_START = b"SQLite format 3\x00"
_TABLES = ("runs", "metrics", "params", "tags")


def _recognise(source: LogSource) -> bool:
    """Whether it is a database with MLflow's tables; a view of that name is none."""
    if source.is_folder or not source.head.startswith(_START):
        return False
    try:
        with _opened(source.path) as database:
            found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):  # also of text in a damaged file that is none
        return False
    tables = {str(name): str(sql) for name, sql in found}
    return set(_TABLES) <= tables.keys() and all("run_uuid" in tables[name] for name in _TABLES)


@contextmanager
def _opened(file: Path) -> Generator[sqlite3.Connection]:
    """The database, which cannot be written, and whose own functions and views are not trusted."""
    database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        yield database
    finally:
        database.close()


def _read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    try:
        with _opened(source.path) as database:
            stored = list(_stored(database))
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise InputError(f"{source}: cannot be read as MLflow's database: {error}") from error
    return tuple(made_run(run, source, FORMAT.words, options) for run in stored)


def _stored(database: sqlite3.Connection) -> Iterator[StoredRun]:
    runs = database.execute(
        "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage IS NOT 'deleted' ORDER BY start_time, rowid"
    ).fetchall()
    for run_id, name, status in runs:
        params = database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,)).fetchall()
        tags = database.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,)).fetchall()
        texts = own_tags({str(key): str(value) for key, value in tags}) | {
            str(key): str(value) for key, value in params
        }
        metrics = database.execute(
            "SELECT timestamp, step, key, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp, rowid",
            (run_id,),
        )
        yield StoredRun(
            name=str(name or run_id),
            status=str(status),
            params={name: setting_in(text) for name, text in texts.items()},
            # a number that is none is stored as 0, with a mark
            points=[
                (int(at), float(step), str(key), float("nan") if is_nan else float(value))
                for at, step, key, value, is_nan in metrics
            ],
        )


FORMAT = LogFormat(name="mlflow_database", words="the database of MLflow (mlflow.db)", recognise=_recognise, read=_read)
