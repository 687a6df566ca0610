"""Rows that read their text so often that only the form of repeated tokens can use them."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.errors import Notice
from isoflop.units import format_number

FRESH_EPOCHS = 4.0
"""Epochs up to which repeated text is worth nearly as much as fresh text (Muennighoff et al. 2023: .93 at four)."""
_ROUNDING = 1e-3  # relative: token counts are multiples of a batch
LEFT_TO_THEIR_FORM = (
    f"text read more than {format_number(FRESH_EPOCHS)} times: used by the form of repeated tokens only"
)
"""Why such a row is left out elsewhere."""


def repeated_rows(tokens: Array, unique_tokens: Array) -> tuple[Mask, Notice | None]:
    """(mask of the rows of more than four epochs, the notice that counts them; None where there are none).

    Both arrays are (rows,); rows whose distinct tokens are NaN, not known, count as fresh.
    """
    epochs = tokens / np.where(np.isnan(unique_tokens), tokens, unique_tokens)
    repeated = epochs > FRESH_EPOCHS * (1 + _ROUNDING)
    if not repeated.any():
        return repeated, None
    text = (
        f"{int(repeated.sum())} of {len(tokens)} rows read their text more than {format_number(FRESH_EPOCHS)} times, "
        f"up to {format_number(epochs.max())}: a repeated token is worth less than a fresh one, and these rows are "
        "left to the form of repeated tokens"
    )
    return repeated, Notice(code="repeated_rows", message=text)
