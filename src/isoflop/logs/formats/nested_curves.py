"""JSON Lines, or a JSON list, with one run a line and its curve inside.

{"recipe": "muon", "horizon": 3350, "run": 0, "curve": [[0, 10.8], [125, 4.66], ...]}
{"run": "a", "step": [0, 125, ...], "val_loss": [10.8, 4.66, ...]}

A curve is a list of pairs [step, loss], a list of objects {step, loss, ...}, or lists that are equally long, at the top
or in one object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.codec import Json, JsonObject
from isoflop.errors import InputError, Notice, quoted
from isoflop.json_values import MOST_DEPTH, json_value
from isoflop.logs.build import LoggedLines, logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Points
from isoflop.logs.roles import roles_of
from isoflop.logs.run import LoggedRun
from isoflop.logs.settings import flat_settings
from isoflop.logs.source import HEAD_BYTES, LogSource
from isoflop.observations.columns import candidates
from isoflop.observations.delimited import open_text

_FEWEST = 2
_NAMED = ("run", "run_id", "run_name", "name", "id", "seed")
_OF_NAME = ("recipe", "model", "config", "optimizer", "group", "variant")


def recognise(source: LogSource) -> bool:
    """Whether the first line, or the first object of a list, holds a curve inside."""
    text = source.text.lstrip("\ufeff \t\r\n")
    if source.is_folder or text[:1] not in ("{", "["):
        return False
    first = _first_object(text, whole=len(source.head) < HEAD_BYTES)
    return first is not None and _curve_of(first) is not None


def read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """One run a line. A torn last line is left out with a notice. Raises InputError for lines that hold no curve."""
    problems: list[str] = []
    runs: list[tuple[str, LoggedLines]] = []
    remarks: list[Notice] = []
    for number, value in _objects(source, problems, remarks):
        curve = _curve_of(value)
        if curve is None:
            problems.append(f"{number}: expected an object with a curve inside")
            continue
        settings = {name: part for name, part in value.items() if name != curve.key and not isinstance(part, list)}
        lines = LoggedLines(lines=curve.rows, numbers=curve.points, settings=flat_settings(settings))
        runs.append((_name_of(settings, number), lines))
    if problems:
        raise InputError.gathered(str(source), problems)
    if not runs:
        raise InputError(f"{source}: expected at least one run, got none")
    what = f"{source.path} (one run a line, its curve inside)"
    single = len(runs) == 1 and not any(runs[0][1].settings.get(name) is not None for name in (*_NAMED, *_OF_NAME))
    names = [source.run_name] if single else _distinct([name for name, _ in runs])
    return tuple(
        logged_run(lines, name=name, source=what, options=options, notices=remarks if i == 0 else ())
        for i, (name, (_, lines)) in enumerate(zip(names, runs, strict=True))
    )


FORMAT = LogFormat(name="nested_curves", words="one run a line with its curve inside", recognise=recognise, read=read)


@dataclass(frozen=True)
class _Curve:
    """The curve inside an object."""

    key: str
    """Where it is; empty where the object's own lists are the columns."""
    rows: int
    points: Mapping[str, Points]


def _curve_of(value: JsonObject) -> _Curve | None:
    """The curve in an object, wherever it is; None where there is none."""
    own = {name: part for name, part in value.items() if isinstance(part, list) and len(part) >= 1}
    arrays = {name: part for name, part in own.items() if not isinstance(part[0], list | dict)}
    found = _of_arrays("", arrays)
    if found is not None:
        return found
    for name, part in value.items():
        curve = None
        if isinstance(part, list) and part:
            curve = _of_pairs(name, part) or _of_entries(name, part)
        elif isinstance(part, dict):
            curve = _of_arrays(name, {key: inner for key, inner in part.items() if isinstance(inner, list) and inner})
        if curve is not None:
            return curve
    return None


def _of_pairs(key: str, part: list[Json]) -> _Curve | None:
    """[[step, loss], ...]; longer rows name no columns and are no curve."""
    if not all(isinstance(row, list) and len(row) == 2 for row in part):
        return None
    columns = {"step": [row[0] for row in part if isinstance(row, list)],
               _loss_name(key): [row[1] for row in part if isinstance(row, list)]}  # fmt: skip
    return _of_columns(key, columns)


def _loss_name(key: str) -> str:
    """What the second numbers of pairs are called: by their key, where that names a loss."""
    return key if roles_of((key,)).losses else "loss"


def _of_entries(key: str, part: list[Json]) -> _Curve | None:
    """[{step, loss, ...}, ...]"""
    rows = [row for row in part if isinstance(row, dict)]
    known = candidates(rows[0]) if rows else {}
    if len(rows) < len(part) or len(rows) < _FEWEST or "run_id" in known or "N" in known:
        return None  # with a name or a size each, the entries are runs of a table
    columns = {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}
    return _of_columns(key, {name: cells for name, cells in columns.items() if all(map(_is_number, cells))})


def _of_arrays(key: str, lists: Mapping[str, list[Json]]) -> _Curve | None:
    """{step: [...], loss: [...]}, all equally long."""
    numeric = {name: cells for name, cells in lists.items() if all(map(_is_number, cells))}
    if len({len(cells) for cells in numeric.values()}) != 1:
        return None
    return _of_columns(key, numeric)


def _of_columns(key: str, columns: Mapping[str, Sequence[Json]]) -> _Curve | None:
    """A curve, where the names hold a loss and a count of steps or tokens."""
    rows = len(next(iter(columns.values()), ()))
    roles = roles_of(columns)
    if rows < _FEWEST or not roles.losses or not (roles.steps or roles.tokens):
        return None
    if not all(_is_number(cell) for cells in columns.values() for cell in cells):
        return None
    return _Curve(key, rows, {name: _points(cells) for name, cells in columns.items()})


def _points(cells: Sequence[Json]) -> Points:
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    rows = np.array([i for i, cell in enumerate(cells) if cell is not None], dtype=np.int64)
    return Points(rows=rows, values=np.array(numbers, dtype=np.float64))


def _is_number(cell: Json) -> bool:
    return cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))


def _name_of(settings: Mapping[str, Json], number: str) -> str:
    """A name from what tells runs apart: their recipe and run; else where they stand in the file."""
    parts = [str(part) for name in (*_OF_NAME, *_NAMED) if isinstance(part := settings.get(name), str | int | float)]
    return "-".join(parts) if any(settings.get(name) is not None for name in _NAMED) else "-".join([*parts, number])


def _distinct(names: list[str]) -> list[str]:
    """The names, with a number where several runs have one."""
    counts, seen = Counter(names), Counter[str]()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if counts[name] == 1 else f"{name}-{seen[name]}")
    return distinct


def _first_object(text: str, *, whole: bool) -> JsonObject | None:
    """The first line, the first object of a list, or the one object of a file; None where there is none.

    An object longer than the head of a file is cut after its last whole pair: that it holds a curve shows long before
    its end.
    """
    line = text.partition("\n")[0] if _is_line(text) else text
    try:
        value = json_value(line, finite=False)
    except ValueError:
        value = _parsed_start(text, whole=whole)
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else None


def _is_line(text: str) -> bool:
    """Whether a text begins with an object on one line."""
    first, _, rest = text.partition("\n")
    return text.startswith("{") and first.rstrip().endswith("}") and rest.lstrip()[:1] in ("", "{")


def _parsed_start(text: str, *, whole: bool) -> Json:
    """The first object of a text of several, or of one that was cut; None where there is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start)
    except RecursionError:
        return None
    except ValueError:
        if whole:
            return None
        return _closed(text[start:])
    return found if isinstance(found, dict) else None


def _closed(text: str) -> JsonObject | None:
    """An object that was cut, closed after its last entry, at the depth at which that leaves a curve; None without."""
    opened: list[str] = []
    quoted_text, escaped = False, False
    cuts: dict[int, tuple[int, str]] = {}
    for i, char in enumerate(text):
        if quoted_text:
            quoted_text = escaped or char != '"'
            escaped = char == "\\" and not escaped
            continue
        if char == '"':
            quoted_text = True
        elif char in "{[":
            opened.append("}" if char == "{" else "]")
        elif char in "}]" and opened:
            opened.pop()
        elif char == "," and len(opened) <= MOST_DEPTH:
            cuts[len(opened)] = i, "".join(reversed(opened))
    for cut, end in cuts.values():
        try:
            value = json_value(text[:cut] + end, finite=False) if len(end) < MOST_DEPTH else None
        except ValueError:
            continue
        if isinstance(value, dict) and _curve_of(value) is not None:
            return value
    return None


def _objects(source: LogSource, problems: list[str], remarks: list[Notice]) -> Iterator[tuple[str, JsonObject]]:
    """(where it stands, the object) of every line, or of every entry of a list."""
    try:
        with open_text(source.path) as text:
            start = source.text.lstrip("\ufeff \t\r\n")
            if not start.startswith("{") or ("\n" in start and not _is_line(start)):
                value = json_value(text.read(), finite=False)
                yield from _entries(value if isinstance(value, list) else [value], problems)
                return
            bad: list[tuple[int, str]] = []
            number = 0
            for number, line in enumerate(text, start=1):
                if not line.strip():
                    continue
                try:
                    value = json_value(line, finite=False)
                except ValueError as error:
                    bad.append((number, f"line {number}: expected a JSON object, got {quoted(line, 40)} ({error})"))
                    continue
                if isinstance(value, dict):
                    yield f"line {number}", value
                else:
                    bad.append((number, f"line {number}: expected a JSON object"))
    except (OSError, UnicodeDecodeError, EOFError, ValueError) as error:
        raise InputError(f"{source}: cannot be read: {error}") from error
    if [at for at, _ in bad] == [number]:
        remarks.append(Notice(code="torn_line", message=f"the last line ({number}) is torn, and is left out"))
    else:
        problems += [problem for _, problem in bad]


def _entries(value: list[Json], problems: list[str]) -> Iterator[tuple[str, JsonObject]]:
    for number, entry in enumerate(value, start=1):
        if isinstance(entry, dict):
            yield f"entry {number}", entry
        else:
            problems.append(f"entry {number}: expected an object")
