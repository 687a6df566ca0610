"""Implausible numbers: units mixed within a column, or millions taken for units of one."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import InputError, Notice
from isoflop.units import format_number, format_quantity

# Neighbouring sizes of one table lie within a factor of 100 or so; thousands, millions and billions further apart.
_GAP = 300.0
# A largest model of a hundred thousand parameters, or a longest run of a hundred thousand tokens, is no language model.
_FEW = 1e5
# ln of the largest vocabulary in use (262,144 tokens): the loss of uniform guessing, in nats per token.
_UNIFORM_GUESS = 12.5
_TOKENS_PER_PARAM = (1e-3, 1e6)  # published runs lie between 1e-2 and 1e5
_SWAPPED = 0.5  # tokens per parameter; the median of no published table is so low
_LISTED = 10
_UNITS = {"thousands": 1e3, "millions": 1e6, "billions": 1e9, "trillions": 1e12}


def refuse_mixed_units(what: str, values: Array, row: Labels) -> None:
    """Raise InputError where `values` fall into two groups that a unit joins, a factor of 300 or more apart.

    That is, where 1e3, 1e6, 1e9 or 1e12 times the smaller group overlaps the larger one.
    """
    usable = np.isfinite(values) & (values > 0)
    if usable.sum() < 2:
        return
    ordered = np.unique(values[usable])
    steps = ordered[1:] / ordered[:-1]
    if not len(steps) or steps.max() < _GAP:
        return
    at = int(np.argmax(steps))
    low, high = ordered[: at + 1], ordered[at + 1 :]
    joined = [name for name, unit in _UNITS.items() if low[0] * unit <= high[-1] and low[-1] * unit >= high[0]]
    if not joined:
        return
    small = usable & (values <= low[-1])
    # name the fewer rows: they are the ones to correct
    some, name = (small, "small") if 2 * small.sum() <= usable.sum() else (usable & ~small, "large")
    numbers = row[some].tolist()
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    raise InputError(
        f"{what}: mixed units: rows with {format_quantity(low[0])} to {format_quantity(low[-1])} and rows with "
        f"{format_quantity(high[0])} to {format_quantity(high[-1])}, as if some were in {joined[0]}; the "
        f"{name} ones are row{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:_LISTED]))}{more}; write "
        f"them all in one unit or with their suffix (70M), or choose rows with --where"
    )


def refuse_other_units(N: Array, D: Array, C: Array) -> None:
    """Raise InputError where C is a power of a thousand away from 6ND because N or D are not in units of one."""
    known = np.isfinite(C) & (C > 0)
    if not known.any():
        return
    ratio = float(np.median(C[known] / (6.0 * N[known] * D[known])))
    thousands = round(np.log10(ratio) / 3)
    small = [
        f"{name} are at most {format_quantity(float(values.max()))} (--scale {name}=millions?)"
        for name, values in (("params", N), ("tokens", D))
        if values.max() < _FEW
    ]
    if small and thousands > 0 and abs(np.log10(ratio) - 3 * thousands) < np.log10(2.0):
        raise InputError(
            f"C / 6ND is about 1e{3 * thousands}, and {' and '.join(small)}: expected parameters and tokens in units "
            "of one; say what the columns count with --scale FIELD=thousands, millions or billions"
        )


def refuse_small_counts(N: Array, D: Array, scaled: Collection[str]) -> None:
    """Raise InputError where tokens or sizes are not in units of one; the units of `scaled` fields were stated.

    No run has fewer than 100,000 tokens. Tiny models have fewer parameters than that, but not 1e6 tokens for each.
    """
    if not len(N) or not len(D):
        return
    few = [(name, values) for name, values in (("params", N), ("tokens", D)) if values.max() < _FEW]
    ratio = float(np.median(D / N))
    if {"N", "D"} & set(scaled) or not few:
        return
    if few[-1][0] == "tokens" or not _TOKENS_PER_PARAM[0] < ratio < _TOKENS_PER_PARAM[1]:
        shown = " and ".join(
            f"{name} are {format_quantity(float(values.min()))} to {format_quantity(float(values.max()))}"
            for name, values in few
        )
        options = " ".join(f"--scale {name}={'millions' if name == 'params' else 'billions'}" for name, _ in few)
        raise InputError(
            f"{shown}, which no language model has: expected counts in units of one; state what they count, such as "
            f"{options} (=1 if the numbers are right), or name other columns with --column"
        )


def implausible_values(N: Array, D: Array, loss: Array, *, perplexity_possible: bool) -> list[Notice]:
    """Notices where sizes, token counts or losses look as if they were in other units than they were read in."""
    if not len(N):
        return []
    notices = []
    small = [
        f"{name} are at most {format_quantity(float(values.max()))}"
        for name, values in (("params", N), ("tokens", D))
        if values.max() < _FEW
    ]
    if small:
        text = f"{' and '.join(small)}: if they count thousands, millions or billions say so, e.g. --scale params=1e6"
        notices.append(Notice(code="small_numbers", message=text))
    typical = float(np.median(D / N))
    if not _TOKENS_PER_PARAM[0] < typical < _TOKENS_PER_PARAM[1]:
        text = (
            f"the median run saw {format_number(typical, 2)} tokens per parameter, which no published run "
            "did: check the units"
        )
        notices.append(Notice(code="odd_tokens_per_param", message=text))
    elif typical < _SWAPPED:
        text = (
            f"the median run saw {format_number(typical, 2)} tokens per parameter, fewer tokens than it has "
            "parameters: if the two columns are exchanged, say --column params=... --column tokens=..."
        )
        notices.append(Notice(code="fewer_tokens_than_params", message=text))
    if perplexity_possible and float(np.median(loss)) > _UNIFORM_GUESS:
        text = (
            f"the median loss is {format_number(np.median(loss))}, above the {format_number(_UNIFORM_GUESS)} nats a "
            "token of uniform guessing; for perplexities use --loss-unit perplexity"
        )
        notices.append(Notice(code="losses_above_guessing", message=text))
    return notices
