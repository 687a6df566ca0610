"""Which column of a table is which quantity, whatever its author called it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from isoflop.codec import JsonObject
from isoflop.errors import InputError
from isoflop.observations.column_names import (
    ALIASES,
    CHINCHILLA_RATIO,
    ONE_LETTER,
    fields_of,
    is_chinchilla_ratio,
    is_unit_of_flops,
)
from isoflop.observations.loss_names import loss_of
from isoflop.observations.name_parts import NameParts, name_readings
from isoflop.observations.unit_words import letter_scale
from isoflop.units import format_number

FIELDS: tuple[str, ...] = (*list(ALIASES)[:3], "loss", *list(ALIASES)[3:])
"""Every quantity that a row can hold."""
QUANTITIES = ("N", "D", "C", "loss", "loss_se", "budget", "peak_lr", "batch", "batch_tokens", "seq_len", "step",
              "samples", "tokens_per_param", "unique_tokens", "epochs", "vocab_size")  # fmt: skip
"""The fields that hold numbers; the others hold names and words."""
WORDS = {"N": "params", "D": "tokens", "C": "flops"}
"""Names of N, D and C in options and in JSON."""
_SYNONYMS = {
    "params": "N", "parameters": "N", "tokens": "D", "flops": "C", "compute": "C", "lr": "peak_lr",
    "learning_rate": "peak_lr", "run": "run_id", "final": "is_final", "vocab": "vocab_size",
}  # fmt: skip

# What the unit in a name may count, by field; names of other fields have no unit.
_UNITS_OF = {
    "N": ("", "params"), "D": ("", "tokens"), "C": ("", "flops"), "budget": ("", "flops"),
    "unique_tokens": ("", "tokens"), "batch_tokens": ("", "tokens"), "step": ("", "steps"),
    "samples": ("", "sequences"),
    "batch": ("sequences",), "peak_lr": ("",),
}  # fmt: skip
_BYTES = {"bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"}
_LOGARITHMIC = ("N", "D", "C", "budget")
_LOGARITHM, _PATTERN, _RATE = 500, 2000, 5000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that may hold a field, and how to read it by its name."""

    column: str
    """Its name in the file."""
    logarithm: str = ""
    """`log10`, `log2`, `ln`; `log` where the name leaves the base open; empty for plain numbers."""
    scale: float = 1.0
    """Units of one that a plain number counts, e.g. 1e6 for "params (M)"; negative where the sign is turned."""
    loss_unit: str = ""
    """Unit of a loss whose name states it."""
    rank: int = 0
    """The lowest is the best: whole names from 0, plus 500 for their logarithms, ends of a path from 1000, patterns
    from 2000, other units from 3000, one letter from 4000, units that are also of rates from 5000."""

    @property
    def one_letter(self) -> bool:
        """Whether the name is a single letter, which may stand for something else."""
        return ONE_LETTER <= self.rank < _RATE


@dataclass(frozen=True, kw_only=True)
class ColumnMapping:
    """One field's column and how to read it."""

    column: str
    """Its name; empty for a constant."""
    logarithm: str = ""
    """`log10`, `log2` or `ln` where the cells are logarithms."""
    scale: float = 1.0
    """Units of one that a plain number counts."""
    loss_unit: str = ""
    """Unit of a loss whose name states it."""
    constant: float | None = None
    """The value of every row, where it is no column."""
    parts: tuple[str, ...] = ()
    """Columns whose sum is the field, where several are; `column` names them all."""

    def as_json(self) -> JsonObject:
        """{column}, in words for a constant, and those of constant, parts, logarithm and scale that are set."""
        shown: JsonObject = {"column": self.column}
        if self.parts:
            shown["parts"] = [*self.parts]
        if self.constant is not None:
            shown = {"column": f"{format_number(self.constant, 6)} in every row", "constant": self.constant}
        shown |= {"logarithm": self.logarithm} if self.logarithm else {}
        return shown | ({"scale": self.scale} if self.scale != 1.0 else {})


def field_named(text: str, option: str) -> str:
    """The field named `text`: one of FIELDS or a synonym. Raises InputError, naming `option`, for others.

    >>> field_named("params", "--column"), field_named("N", "--column"), field_named("lr", "--column")
    ('N', 'N', 'peak_lr')
    """
    field = _SYNONYMS.get(text.strip().lower(), text.strip())
    if field not in FIELDS:
        known = ", ".join(f"{WORDS[name]} ({name})" if name in WORDS else name for name in FIELDS)
        raise InputError(f"{option} {text}: expected a field of {known}; got {text!r}")
    return field


def candidates(names: Iterable[str]) -> dict[str, list[Candidate]]:
    """{field: the columns of `names` that may hold it, best first}; fields without any are left out."""
    by_field: dict[str, list[Candidate]] = {}
    for name in names:
        for field, candidate in _fields(str(name)):
            by_field.setdefault(field, []).append(candidate)
    return {field: sorted(by_field[field], key=lambda item: item.rank) for field in FIELDS if field in by_field}


def match_columns(names: Iterable[str]) -> dict[str, str]:
    """{field of FIELDS: the column of `names` whose name suits it best}; fields without a column are left out.

    >>> match_columns(["Model Size", "Training FLOP", "loss", "hex_color"])
    {'N': 'Model Size', 'C': 'Training FLOP', 'loss': 'loss'}
    """
    return {field: items[0].column for field, items in candidates(names).items()}


def _fields(name: str) -> list[tuple[str, Candidate]]:
    """Every field that the column `name` may hold, each once."""
    interpretations = name_readings(name)
    fields: dict[str, Candidate] = {}
    for parts in interpretations:
        for field, candidate in _of_parts(name, parts):
            fields.setdefault(field, candidate)
    # A name of a loss is no count, unless it is the letter L alone, which may also be something else.
    loss = loss_of(name, interpretations)
    if loss is not None:
        fields = {} if loss.rank < ONE_LETTER else fields
        fields["loss"] = Candidate(
            column=name, rank=loss.rank, scale=loss.scale, loss_unit=loss.unit, logarithm=loss.logarithm
        )
    if not fields and interpretations[0].plain.startswith("modelsize") and not _BYTES & set(interpretations[0].words):
        fields["N"] = Candidate(column=name, rank=_PATTERN)
    return list(fields.items())


def _of_parts(name: str, parts: NameParts) -> list[tuple[str, Candidate]]:
    """The fields that one interpretation of a name may mean, with its unit where that counts the same thing."""
    if parts.negative:
        return []
    fields = []
    for field, rank in fields_of(parts.words, parts.path, ratio=parts.ratio):
        candidate = _in_unit(Candidate(column=name, rank=rank), field, parts)
        if candidate is None:
            continue
        if parts.logarithm:
            if field not in _LOGARITHMIC:
                continue
            candidate = replace(candidate, logarithm=parts.logarithm, rank=rank + _LOGARITHM)
        if field == "tokens_per_param" and is_chinchilla_ratio(parts.words):
            candidate = replace(candidate, scale=CHINCHILLA_RATIO)
        if field == "batch" and parts.unit is not None and parts.unit.noun == "tokens":
            field = "batch_tokens"
        if field == "C" and is_unit_of_flops(name):
            candidate = replace(candidate, rank=_RATE + rank)
        fields.append((field, candidate))
    return fields


def _in_unit(candidate: Candidate, field: str, parts: NameParts) -> Candidate | None:
    """The candidate with the scale that the name gives; None where the unit counts something else."""
    if parts.letter:
        scale = letter_scale(parts.letter) if field in ("C", "budget") else None
        return None if scale is None else replace(candidate, scale=scale)
    if parts.unit is None:
        return candidate
    if field == "batch" and parts.unit.noun == "tokens":
        return replace(candidate, scale=parts.unit.scale)
    if parts.unit.noun in _UNITS_OF.get(field, ()):
        return replace(candidate, scale=parts.unit.scale)
    return None
