"""Whether a comma is a decimal mark or separates thousands: decided by the column and the file, never by one cell.

| cell | what it proves |
|---|---|
| `0,500` `1,5` `1234,567` `1,5e18` | a decimal comma: no group follows a zero, or has other than three digits |
| `1,234,567` `1,234.5` | commas between thousands |
| `0.500` `1.5` `1.5e18` | a decimal point |
| `1.234.567` `1.234,5` | points between thousands, and a decimal comma |
| `65,346` | nothing: it may be either |
| `65.346` | nothing in a file with commas; else a decimal point, the usual way of writing |
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.errors import InputError
from isoflop.observations.file_formats import RawTable
from isoflop.observations.parsing import Cells

# 1e18, 1x10^18: a mantissa has no groups
_MANTISSA = r"(?=[eE]| ?[x×·*] ?10)"
_TAIL = r"(?:[eE][+-]?\d+| ?[x×·*] ?10 ?[\^*]{0,2}[{}\d⁰¹²³⁴⁵⁶⁷⁸⁹⁻+-]{0,6})?\s*[A-Za-z%/ ]{0,24}"
_SIGN = r"[+-]?"
_COMMA = re.compile(rf"{_SIGN}(?:0+,\d+|\d+,(?:\d{{1,2}}|\d{{4,}})?|\d{{4,}},\d{{3}}|\d*,\d+{_MANTISSA}|,\d+){_TAIL}")
_COMMA_GROUPS = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}(?:(?:,\d{{3}}){{2,}}(?:\.\d*)?|,\d{{3}}\.\d*){_TAIL}")
_POINT = re.compile(
    rf"{_SIGN}(?:0+\.\d+|\d+\.(?:\d{{1,2}}|\d{{4,}})?|\d{{4,}}\.\d{{3}}|\d*\.\d+{_MANTISSA}|\.\d+){_TAIL}"
)
_POINT_GROUPS = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}(?:(?:\.\d{{3}}){{2,}}(?:,\d*)?|\.\d{{3}},\d*){_TAIL}")
_EITHER_COMMA = re.compile(rf"{_SIGN}[1-9]\d{{0,2}},\d{{3}}{_TAIL}")
_EITHER_POINT = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}\.\d{{3}}{_TAIL}")
_PLAIN = re.compile(rf"{_SIGN}\d+{_TAIL}")
# Spaces and apostrophes between groups of three: Swiss, French and SI tables.
_SPACED = re.compile(r"(?<=\d)[ '\u2019\u00a0\u2009\u202f](?=\d{3}(?:\D|$))")
_NUMERIC = 0.6  # share of the filled cells of a column that must be numbers of some locale before it proves anything
_LONGEST = 64  # characters of a cell that is a number
_EXAMPLES = 3
_ODD = 0.1  # share of a column's proven cells that may use the other mark: they are dropped as no numbers
_TWO_POINTS = re.compile(r"\d\.\d{3}\.\d")
_FIRST = frozenset("+-−0123456789.,~≈")


@dataclass(frozen=True, kw_only=True)
class _Column:
    """What the cells of one column prove about its marks."""

    name: str
    comma: tuple[str, ...] = ()
    """Cells that a decimal comma alone explains."""
    point: tuple[str, ...] = ()
    """Cells that a decimal point alone explains."""
    either_comma: tuple[str, ...] = ()
    """`65,346`."""
    either_point: tuple[str, ...] = ()
    """`65.346`."""


def with_points(table: RawTable, columns: Collection[str], decimal: str | None = None) -> RawTable:
    """`table` with the numbers of `columns` written with a decimal point, and without separators of thousands.

    `decimal` is the mark that was stated. Raises InputError, naming `--decimal`, where the file does not decide.
    """
    chosen = {name: table.columns[name] for name in columns if _is_text(table.columns[name])}
    texts = {name: "\n".join([cell for cell in cells if isinstance(cell, str)]) for name, cells in chosen.items()}
    spaced = {name: _without_spaces(chosen[name]) for name, text in texts.items() if _SPACED.search(text)}
    changed = {**table.columns, **spaced}
    if decimal != "," and not any("," in text or _TWO_POINTS.search(text) for text in texts.values()):
        return RawTable(columns=changed, rows=table.rows) if spaced else table
    proofs = [proof for name in chosen if (proof := _proof(name, changed[name])) is not None]
    marks = _marks(proofs, decimal)
    changed |= {name: _rewritten(changed[name], mark) for name, mark in marks.items()}
    return RawTable(columns=changed, rows=table.rows)


def _without_spaces(cells: Cells) -> Cells:
    return [_SPACED.sub("", cell).strip() if isinstance(cell, str) and _starts(cell) else cell for cell in cells]


def _starts(cell: str) -> bool:
    """Whether a cell may be a number; others keep their spaces."""
    return len(cell) <= _LONGEST and cell.lstrip()[:1] in _FIRST


def _is_text(cells: Cells) -> bool:
    """Whether cells may be text: columns of numbers have no marks."""
    return not isinstance(cells, np.ndarray) or cells.dtype.kind in "UO"


def _proof(name: str, cells: Cells) -> _Column | None:
    """What a column proves; None for one without marks, or without numbers."""
    texts = dict.fromkeys(cell.strip() for cell in cells if isinstance(cell, str))
    marked = [text for text in texts if ("," in text or "." in text) and len(text) <= _LONGEST]
    by_kind: dict[str, list[str]] = {kind: [] for kind in ("comma", "point", "either_comma", "either_point", "")}
    for text in marked:
        by_kind[_kind(text)].append(text)
    if len(by_kind.pop("")) > (1 - _NUMERIC) * len(marked) or not marked:
        return None
    return _Column(name=name, **{kind: tuple(values) for kind, values in by_kind.items()})


def _kind(text: str) -> str:
    if _COMMA.fullmatch(text) or _POINT_GROUPS.fullmatch(text):
        return "comma"
    if _POINT.fullmatch(text) or _COMMA_GROUPS.fullmatch(text):
        return "point"
    if _EITHER_COMMA.fullmatch(text):
        return "either_comma"
    return "either_point" if _EITHER_POINT.fullmatch(text) else ""


def _marks(proofs: Sequence[_Column], decimal: str | None) -> dict[str, str]:
    """{column: its decimal mark}."""
    if decimal is not None:
        return {proof.name: decimal for proof in proofs}
    comma, point = any(proof.comma for proof in proofs), any(proof.point for proof in proofs)
    marks: dict[str, str] = {}
    for proof in proofs:
        few, many = sorted((len(proof.comma), len(proof.point)))
        if few > _ODD * many:
            raise _mixed(proof)
        if proof.comma or proof.point:
            marks[proof.name] = "," if len(proof.comma) > len(proof.point) else "."
            continue
        if comma != point:
            marks[proof.name] = "," if comma else "."
        elif proof.either_comma and proof.either_point:
            raise _open(proof)
        elif not comma and not any(other.either_comma for other in proofs):
            marks[proof.name] = "."  # no comma in any number of the file
        else:
            raise _open(proof)
    for proof in proofs:
        # In a column with decimal commas 65.346 has a separator of thousands, which must be proven elsewhere.
        if marks[proof.name] == "," and proof.either_point and not _groups_of_points(proofs):
            raise _open(proof)
    return marks


def _groups_of_points(proofs: Sequence[_Column]) -> bool:
    return any(_POINT_GROUPS.fullmatch(text) for proof in proofs for text in proof.comma)


def _open(proof: _Column) -> InputError:
    cell = (proof.either_comma or proof.either_point)[0]
    mark = "," if "," in cell else "."
    whole, part = cell.replace(mark, ""), cell.replace(mark, ".")
    return InputError(
        f"{proof.name}: {cell} may be {part} or {whole}, and no cell of the file decides: use --decimal , where a "
        "comma is the decimal mark, or --decimal . where a point is"
    )


def _mixed(proof: _Column) -> InputError:
    return InputError(
        f"{proof.name}: numbers of two ways of writing: {', '.join(proof.comma[:_EXAMPLES])} with a decimal comma, "
        f"{', '.join(proof.point[:_EXAMPLES])} with a decimal point; write them all in one way, or use --decimal , or "
        "--decimal . and cells of the other way are left out"
    )


def _rewritten(cells: Cells, mark: str) -> Cells:
    """The cells with a decimal point and without separators; cells that are no such numbers stay as they are."""
    groups = "." if mark == "," else ","
    number = re.compile(
        rf"({_SIGN}(?:[1-9]\d{{0,2}}(?:{re.escape(groups)}\d{{3}})+|\d*))(?:{re.escape(mark)}(\d*))?({_TAIL})"
    )
    done: dict[str, str] = {}
    changed: list[object] = []
    for cell in cells:
        if not isinstance(cell, str) or ("," not in cell and "." not in cell) or len(cell) > _LONGEST:
            changed.append(cell)
            continue
        if cell not in done:
            done[cell] = _with_point(cell, number, mark)
        changed.append(done[cell])
    return changed


def _with_point(cell: str, number: re.Pattern[str], mark: str) -> str:
    kind = _kind(cell.strip())
    if kind == ("point" if mark == "," else "comma"):
        # 1.5 is no number where commas are decimal marks, and must not be read as one
        return f"{cell} (with a decimal comma?)" if mark == "." else f"{cell} (among decimal commas)"
    match = number.fullmatch(cell.strip())
    if match is None:
        return cell
    whole = match[1].replace("." if mark == "," else ",", "")
    return f"{whole}.{match[2]}{match[3]}" if match[2] is not None else f"{whole}{match[3]}"
