"""Tokens where no column counts them: steps times batch, samples times their length, a ratio to the parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError, Notice
from isoflop.observations.parsing import Numbers
from isoflop.units import format_number

# Products that are tokens, the surest first.
_PRODUCTS = (("step", "batch_tokens"), ("samples", "seq_len"), ("step", "batch", "seq_len"))
# Sequences a step from which a batch may count tokens instead: published runs stay below 10,000.
_MOST_SEQUENCES = 32_768


def token_source(fields: Collection[str]) -> tuple[str, ...] | None:
    """The fields whose product is the tokens; None where there is none."""
    return next((product for product in _PRODUCTS if set(product) <= set(fields)), None)


def add_tokens(numbers: dict[str, Numbers], columns: Mapping[str, str]) -> list[Notice]:
    """Put D, or N where a ratio determines it, into `numbers`. Returns notices of what was multiplied.

    `columns` has the column of each field. Raises InputError for a batch that may count tokens instead of sequences.
    """
    if "D" in numbers:
        return _by_ratio(numbers, columns)
    product = token_source(numbers.keys())
    if product is None:
        return _by_ratio(numbers, columns)
    if "batch" in product:
        _refuse_batch_of_tokens(numbers["batch"].values, numbers["seq_len"].values, columns)
    parts = [numbers[field] for field in product]
    values = np.prod([part.values for part in parts], axis=0)
    numbers["D"] = Numbers(values=values, unreadable=np.any([part.unreadable for part in parts], axis=0))
    names = " x ".join(repr(columns[field]) for field in product)
    filled = values[np.isfinite(values)]
    span = f" ({format_number(filled.min())} to {format_number(filled.max())})" if len(filled) else ""
    text = f"tokens are {names}{span}: there is no column of tokens"
    return [Notice(code="tokens_from_steps", message=text)]


def _by_ratio(numbers: dict[str, Numbers], columns: Mapping[str, str]) -> list[Notice]:
    """Put N or D into `numbers` where tokens per parameter and only one of N, D and C are known (of C: N)."""
    ratio = numbers.get("tokens_per_param")
    if ratio is None or len({"N", "D", "C"} & numbers.keys()) != 1:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        if "N" in numbers:
            known, missing, values = "N", "D", numbers["N"].values * ratio.values
        elif "D" in numbers:
            known, missing, values = "D", "N", numbers["D"].values / ratio.values
        else:
            known, missing, values = "C", "N", np.sqrt(numbers["C"].values / (6.0 * ratio.values))
    numbers[missing] = Numbers(values=values, unreadable=ratio.unreadable | numbers[known].unreadable)
    filled = ratio.values[np.isfinite(ratio.values)]
    span = f", {format_number(filled.min())} to {format_number(filled.max())}" if len(filled) else ""
    text = (
        f"{'tokens' if missing == 'D' else 'params'} come from {columns['tokens_per_param']!r} as tokens a parameter"
        f"{span} (a multiple of Chinchilla is 20 of them), and {columns[known]!r}"
    )
    return [Notice(code="tokens_from_ratio", message=text)]


def _refuse_batch_of_tokens(batch: Array, seq_len: Array, columns: Mapping[str, str]) -> None:
    """Raise InputError where batches, taken as sequences, are larger than any."""
    large = batch[np.isfinite(batch)]
    if not len(large) or np.median(large) < _MOST_SEQUENCES:
        return
    length = np.nanmedian(seq_len)
    raise InputError(
        f"{columns['batch']!r} is {np.median(large):,.0f}: as sequences of {length:,.0f} tokens that is "
        f"{format_number(np.median(large) * length)} tokens a step; if it counts tokens use --column "
        f"batch_tokens={columns['batch']}, else name the tokens with --column tokens=..."
    )
