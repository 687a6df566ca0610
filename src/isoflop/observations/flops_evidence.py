"""Which columns are N and D where several could be: those whose 6 N D is the FLOPs of the file.

Columns that count parts of a model (`params_transformer`, `params_lm_head`) are added where a sum fits and no whole
count does: trainers count the FLOPs of the parts with matrix products, and their papers call these sums N.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.observations.columns import Candidate
from isoflop.observations.file_formats import RawTable
from isoflop.observations.name_parts import words_of
from isoflop.observations.parsing import read_numbers
from isoflop.observations.unit_words import plain_text
from isoflop.units import format_number

_AGREES = 0.05  # |ln C/6ND| and its scatter up to which a count is the one that FLOPs were made from
_BETTER = 0.002  # margin by which another column must agree better: above the rounding of FLOPs to three digits
# A count from which FLOPs with attention were made: above 6ND, by a factor that hardly varies with the shape.
_MULTIPLIED = (np.log(0.97), np.log(2.0))
_STEADIER = 0.5  # share of the scatter of the first candidate that another must stay below
_MOST_PARTS, _MOST_ADDED = 8, 3
_PARAMS = frozenset({"params", "param", "parameters", "parameter"})
_NOT_TOKENS = 1e5  # whole numbers below that in a column called D may be widths


@dataclass(frozen=True, kw_only=True)
class Option:
    """Columns that may make up N or D."""

    candidates: tuple[Candidate, ...]
    """One, or parts that are added up."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        return " + ".join(repr(item.column) for item in self.candidates)

    def values(self, table: RawTable) -> Array:
        """Its numbers."""
        parts = [read_numbers(table.columns[item.column], scale=item.scale, logarithm=item.logarithm).values
                 for item in self.candidates]  # fmt: skip
        return np.asarray(sum(parts[1:], parts[0]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """The column of the file that N and D are compared with."""

    column: str
    """Its name."""
    values: Array
    """FLOPs, or tokens a parameter."""
    per_param: bool = False
    """Whether it holds D / N."""

    def logs(self, N: Array, D: Array) -> Array:
        """ln of the file's value over the value of N and D, for the rows where all are positive."""
        positive = (N > 0) & (D > 0) & (self.values > 0)
        # sums of logarithms: products of what a broken table holds may leave the range of a float
        n, d, value = (np.log(x, where=positive, out=np.full(len(N), np.nan)) for x in (N, D, self.values))
        logs = value - (d - n if self.per_param else np.log(6.0) + n + d)
        return np.asarray(logs[np.isfinite(logs)])


@dataclass(frozen=True, kw_only=True)
class _Fit:
    middle: float
    scatter: float

    @property
    def misfit(self) -> float:
        return max(abs(self.middle), self.scatter)

    @property
    def agrees(self) -> bool:
        return self.misfit < _AGREES

    def shown(self) -> str:
        """Returns the ratio in words: one number, or its range where it varies by more than 1 %."""
        low, high = np.exp(self.middle - self.scatter), np.exp(self.middle + self.scatter)
        return (
            format_number(np.exp(self.middle))
            if high / low < 1.01
            else f"{format_number(low)} to {format_number(high)}"
        )


def settle_params(
    table: RawTable, items: Sequence[Candidate], D: Array | None, reference: Reference | None
) -> tuple[Option | None, list[Notice]]:
    """(the columns that count N, notices); the first candidate where nothing in the file decides.

    D are the tokens of each row.
    """
    first = Option(candidates=(items[0],)) if items else None
    if reference is None or D is None:
        return first, _several(items)
    wholes = [Option(candidates=(item,)) for item in items]
    fits = [_fit(option, D, table, reference) for option in wholes]
    best = _nearest(fits)
    if first is not None and best is not None and fits[best].agrees:
        if best != 0 and fits[best].misfit < fits[0].misfit - _BETTER:
            return wholes[best], [_chosen(wholes[best], fits[best], first, fits[0], reference)]
        return first, _several(items)
    # Sums of parts are tried for FLOPs only: a ratio D / N that no column meets says nothing about parts.
    sums = [] if reference.per_param else _sums(table)
    others = [*wholes[1:], *sums]
    steady = [(option, _fit(option, D, table, reference)) for option in others]
    limit = _STEADIER * fits[0].scatter if fits else _AGREES
    steady = [
        (option, fit)
        for option, fit in steady
        if _MULTIPLIED[0] < fit.middle < _MULTIPLIED[1] and fit.scatter < min(limit, _AGREES)
    ]
    if not steady:
        return first, _several(items)
    # Sums that differ by small vectors scatter about equally (within a tenth): take the one with the fewest parts.
    least = min(fit.scatter for _, fit in steady)
    option, fit = min(
        ((option, fit) for option, fit in steady if fit.scatter <= 1.1 * least + 1e-4),
        key=lambda pair: (len(pair[0].candidates), _inputs(pair[0])),
    )
    return option, [_chosen(option, fit, first, fits[0] if fits else None, reference)]


def settle_tokens(
    table: RawTable, items: Sequence[Candidate], params: Candidate | None, reference: Reference | None
) -> list[Candidate]:
    """The candidates of D, best first: one that agrees with the file's FLOPs comes before those that do not."""
    if len(items) < 2 or params is None or reference is None:
        return list(items)
    N = Option(candidates=(params,))
    fits = [_fit(N, Option(candidates=(item,)).values(table), table, reference) for item in items]
    best = _nearest(fits)
    if best is None or not fits[best].agrees or fits[best].misfit >= fits[0].misfit - _BETTER:
        return list(items)
    return [items[best], *(item for i, item in enumerate(items) if i != best)]


def is_no_tokens(table: RawTable, params: Candidate, item: Candidate, reference: Reference | None) -> bool:
    """Whether a column called D holds no tokens: small whole numbers that do not explain the FLOPs."""
    if not item.one_letter or reference is None or not is_small(table, item):
        return False
    params_option, D = Option(candidates=(params,)), Option(candidates=(item,)).values(table)
    return _fit(params_option, D, table, reference).scatter > _AGREES


def is_small(table: RawTable, item: Candidate) -> bool:
    """Whether a column holds whole numbers below 100,000 and nothing else, as counts of layers and widths do."""
    values = Option(candidates=(item,)).values(table)
    filled = values[np.isfinite(values)]
    return bool(len(filled) and item.scale == 1.0 and filled.max() < _NOT_TOKENS and np.all(filled == np.floor(filled)))


def _fit(option: Option, D: Array, table: RawTable, reference: Reference) -> _Fit:
    logs = reference.logs(option.values(table), D)
    if not len(logs):
        return _Fit(middle=np.inf, scatter=np.inf)
    low, middle, high = np.quantile(logs, [0.05, 0.5, 0.95])
    return _Fit(middle=float(middle), scatter=float(high - low) / 2)


def _nearest(fits: Sequence[_Fit]) -> int | None:
    return min(range(len(fits)), key=lambda i: fits[i].misfit) if fits else None


def _sums(table: RawTable) -> list[Option]:
    """Sums of two or three columns that count parts of a model's parameters, and such columns alone."""
    parts = []
    for name, cells in table.columns.items():
        words = set(words_of(plain_text(name)))
        if not words & _PARAMS or words & {"total", "all", "per"} or not words - _PARAMS - {"n", "num"}:
            continue
        numbers = read_numbers(cells)
        if not numbers.unreadable.any() and np.all(numbers.values[~np.isnan(numbers.values)] >= 0):
            parts.append(Candidate(column=name))
    parts = parts[:_MOST_PARTS]
    return [Option(candidates=chosen) for count in range(1, _MOST_ADDED + 1) for chosen in combinations(parts, count)]


def _inputs(option: Option) -> int:
    """How many parts are embeddings at the input, which have no matrix product: of equal sums these come last."""
    words = [set(words_of(item.column)) for item in option.candidates]
    return sum(bool(each & {"wte", "wpe", "embed", "embedding", "embeddings", "embeds", "scalars"}) for each in words)


def several_columns(what: str, items: Sequence[Candidate]) -> Notice:
    """The notice that `what` is read from the first of `items`, and which others could be meant."""
    others = ", ".join(repr(item.column) for item in items[1:])
    text = f"{what} are read from {items[0].column!r}, and {others} could be meant too: --column decides"
    return Notice(code="several_columns", message=text)


def _several(items: Sequence[Candidate]) -> list[Notice]:
    return [several_columns("params", items)] if len(items) > 1 else []


def _chosen(option: Option, fit: _Fit, first: Option | None, other: _Fit | None, reference: Reference) -> Notice:
    what = "D/N" if reference.per_param else "6ND"
    against = f"; with {first.name} they would be {other.shown()} times" if first is not None and other else ""
    text = (
        f"params are {option.name}: of the columns that count parameters these fit the file's {reference.column!r}, "
        f"which is {fit.shown()} times {what}{against}; --column params=... decides otherwise"
    )
    return Notice(code="params_by_flops", message=text)
