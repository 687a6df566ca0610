"""Whether a column of FLOPs holds training FLOPs: C / 6ND reveals forward passes, overflowed integers, other units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.arrays import Array, Labels, Mask
from isoflop.errors import Notice
from isoflop.units import format_number, format_quantity

# FLOP counts of one model differ by up to 1.9 between conventions; beyond that a unit or a column is likely wrong.
_USUAL = 2.0
# No convention is further from 6ND: where N counts embeddings and C does not, the ratio goes down to 1/20; exact FLOPs
# of models of 10,000 parameters without embeddings, with a vocabulary of 50,000, reach 110, of 2,000 parameters 250.
_POSSIBLE = 100.0
_POSSIBLE_EXACT = 500.0
_FORWARD = (0.28, 0.42)  # 2ND is 1/3 of 6ND, more with attention
_FORWARD_SHARE = 0.9  # of the rows: then the column is one of forward passes
_EXACT = 0.05  # |ln ratio| within which a ratio is "at" a value, rounded columns included
_UNIT = np.log10(2.0)  # |log10 ratio - 3k| within which a ratio is a unit prefix
_ROUNDING = 4096.0  # FLOPs: what float64 leaves of a 64-bit integer, with room
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class FlopsCheck:
    """Where C comes from, and how it compares with 6 N D."""

    source: Literal["column", "mixed", "six_nd"]
    """The FLOPs of the file, those of some rows only, or 6 N D in all rows."""
    rows_not_used: int = 0
    """Rows whose FLOPs in the file were replaced by 6 N D."""
    ratio_to_6nd: tuple[float, float, float] | None = None
    """(lowest, median, highest) C / 6ND of the rows whose FLOPs are the file's; None where there are none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckedFlops:
    """The FLOPs to use."""

    C: Array
    """Those of the column where they can be training FLOPs, else 6 N D."""
    notices: tuple[Notice, ...]
    """What is wrong, and in which rows."""
    check: FlopsCheck
    """The same in numbers."""


def check_flops(N: Array, D: Array, C: Array, row: Labels, *, exact_convention: bool) -> CheckedFlops:
    """The FLOPs of rows whose N and D are positive; C is NaN where its cell is empty.

    `exact_convention`: somebody stated that C is counted otherwise than as 6 N, so ratios up to 500 are expected. A row
    whose C cannot be training FLOPs takes 6 N D; so do all rows where the others are not 6 N D either, since one table
    needs one convention.
    """
    six = 6.0 * N * D
    filled = ~np.isnan(C)
    ratio = np.where(filled, C, six) / six
    faults = _faults(N, D, C, ratio, filled, _POSSIBLE_EXACT if exact_convention else _POSSIBLE)
    wrong = np.zeros(len(C), dtype=bool)
    notices: list[Notice] = []
    for code, (mask, sentence) in faults.items():
        if mask.any():
            wrong |= mask
            notices.append(Notice(code=code, message=f"{sentence(ratio[mask])} ({_rows(row, mask)})"))
    good = filled & ~wrong
    # Are the good rows 6 N D themselves? Else 6 N D in the others would mix two conventions.
    in_all = bool(not good.all() and good.any() and np.median(np.abs(np.log(ratio[good]))) > _EXACT)
    if wrong.any():
        effect = "; every row takes C = 6ND, as one table needs one convention" if in_all else "; C = 6ND there"
        notices = [Notice(code=notice.code, message=notice.message + effect) for notice in notices]
    elif not filled.all():
        where = "in every row, as one table needs one convention" if in_all else "there"
        text = f"FLOPs are missing ({_rows(row, ~filled)}): C = 6ND {where}"
        notices.append(Notice(code="flops_filled", message=text))
    used = np.zeros(len(C), dtype=bool) if in_all else good
    notices += _far_from_6nd(N, D, ratio, used, exact_convention=exact_convention)
    low, middle, high = np.quantile(ratio[used], [0, 0.5, 1]).tolist() if used.any() else (0.0, 0.0, 0.0)
    return CheckedFlops(
        C=np.where(used, C, six),
        notices=tuple(notices),
        check=FlopsCheck(
            source="column" if used.all() else "mixed" if used.any() else "six_nd",
            rows_not_used=int(np.sum(filled & ~used)),
            ratio_to_6nd=(low, middle, high) if used.any() else None,
        ),
    )


def _faults(
    N: Array, D: Array, C: Array, ratio: Array, filled: Mask, most: float
) -> dict[str, tuple[Mask, Callable[[Array], str]]]:
    """{code: (rows, sentence about their ratios)} of everything that is no count of training FLOPs.

    `most` is the largest C / 6ND of any convention.
    """
    six = 6.0 * N * D
    overflow = filled & (_wrapped(N, D, C) | (C < 0))
    rest = filled & ~overflow
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(np.where(rest & (ratio > 0), ratio, np.nan))
        thousands = np.round(logs / 3.0)
        scaled = rest & (np.abs(logs - 3.0 * thousands) < _UNIT) & (thousands != 0)
        forward = rest & _forward_only(ratio, rest & ~scaled)
    # Where the true value is above 2^63 and the file has a smaller one, the sum was done in 64 bits, even if it is not
    # 6 N D that wrapped: FLOPs with attention do too. Such a row is sure if it is far off, or if others did overflow.
    late = rest & ~scaled & ~forward & (six >= 2.0**63) & (C < 2.0**63) & (ratio < 1 / _USUAL) & (np.floor(C) == C)
    overflow |= late & (ratio < 1 / _POSSIBLE) | (late & bool(overflow.any()))
    other = rest & ~scaled & ~forward & ~overflow & ((ratio > most) | (ratio < 1 / _POSSIBLE))
    return {
        "flops_overflowed": (
            overflow,
            lambda r: (
                "the FLOPs column holds integers that overflowed 32 or 64 bits: "
                f"C / 6ND is {_span(r)}, negative or wrapped round"
            ),
        ),
        "flops_forward_only": (
            forward,
            lambda r: f"the FLOPs column counts forward passes only: C / 6ND is {_span(r)}, about 1/3 (2ND)",
        ),
        "flops_mis_scaled": (
            scaled,
            lambda r: (
                f"the FLOPs column is in other units: C / 6ND is {_span(r)}, about a power of a thousand; to use it, "
                f"--scale flops={format_number(10.0 ** (-3 * np.round(np.median(np.log10(r)) / 3)), 6)}"
            ),
        ),
        "flops_not_of_training": (
            other,
            lambda r: (
                f"the FLOPs column cannot be training FLOPs of these N and D: C / 6ND is {_span(r)}, and no convention "
                f"is a factor of {format_number(most, 6)} from 6ND"
            ),
        ),
    }


def _wrapped(N: Array, D: Array, C: Array) -> Mask:
    """True for rows whose C is 6 N D less a multiple of 2^64 or 2^32, as signed or unsigned integers leave it."""
    whole = (np.floor(N) == N) & (np.floor(D) == D) & (N < 2.0**53) & (D < 2.0**53)
    n, d = np.where(whole, N, 1).astype(np.uint64), np.where(whole, D, 1).astype(np.uint64)
    wrapped_rows = np.zeros(len(C), dtype=bool)
    # The product may have wrapped before or after the factor of 6. NumPy wraps 64-bit integers without a warning, which
    # is how these columns come about, and lets us compute what they would hold.
    for product, factor, true in (
        (np.uint64(6) * n * d, 1.0, 6.0 * N * D),
        (n * d, 6.0, N * D),
    ):
        low = product & np.uint64(0xFFFFFFFF)
        for bits, wrapped in (
            (63, product.astype(np.int64).astype(np.float64)),
            (64, product.astype(np.float64)),
            (31, low.astype(np.uint32).astype(np.int32).astype(np.float64)),
            (32, low.astype(np.float64)),
        ):
            near = _ROUNDING * factor if bits > 32 else 0.5
            wrapped_rows |= whole & (true >= 2.0**bits) & (np.abs(C - factor * wrapped) <= near)
    return wrapped_rows


def _forward_only(ratio: Array, usable: Mask) -> Mask:
    """All `usable` rows where nine in ten have about 1/3; else the rows at 1/3 where all the others are at 1."""
    none = np.zeros(len(ratio), dtype=bool)
    if not usable.any():
        return none
    inside = usable & (ratio > _FORWARD[0]) & (ratio < _FORWARD[1])
    if inside.sum() >= _FORWARD_SHARE * usable.sum():
        return usable
    at_third = usable & (np.abs(np.log(np.where(ratio > 0, ratio, 1.0) * 3.0)) < _EXACT)
    others = usable & ~at_third & (ratio > 0)
    if others.any() and np.mean(np.abs(np.log(ratio[others])) < _EXACT) >= _FORWARD_SHARE:
        return at_third
    return none


def _far_from_6nd(N: Array, D: Array, ratio: Array, used: Mask, *, exact_convention: bool) -> list[Notice]:
    """The notice `flops_far_from_6nd`, unless the convention is one that may be so far."""
    far = used & ((ratio > _USUAL) | (ratio < 1 / _USUAL))
    if exact_convention or not far.any():
        return []
    first = int(np.argmax(far))
    text = (
        f"C / 6ND lies between {format_number(ratio[used].min())} and {format_number(ratio[used].max())}, beyond a "
        f"factor of {format_number(_USUAL)} in "
        f"{int(far.sum())} of {int(used.sum())} rows: exact FLOPs of small models do so (state --flops-convention), "
        f"and so do mixed units; first such row N = {format_quantity(float(N[first]))}, "
        f"D = {format_quantity(float(D[first]))}"
    )
    return [Notice(code="flops_far_from_6nd", message=text)]


def _span(ratio: Array) -> str:
    low, high = float(ratio.min()), float(ratio.max())
    return (
        format_number(low)
        if format_number(low) == format_number(high)
        else f"{format_number(low)} to {format_number(high)}"
    )


def _rows(row: Labels, mask: Mask) -> str:
    numbers = row[mask]
    if len(numbers) == len(row):
        return f"all {len(row)} rows"
    shown = ", ".join(map(str, numbers[:_LISTED].tolist()))
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    return f"row{'s' if len(numbers) > 1 else ''} {shown}{more}"
