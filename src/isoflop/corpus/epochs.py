"""How often a run may read its text."""

from __future__ import annotations

from isoflop.errors import InputError, Notice
from isoflop.units import format_quantity

MOST_EPOCHS = 4.0
"""Up to four passes over a text cost almost nothing against fresh text; more soon do (Muennighoff et al. 2023)."""


def check_epochs(
    tokens_needed: float, train_tokens: int, *, allow: bool = False, different: float = 1.0
) -> list[Notice]:
    """Notices about a run of `tokens_needed` tokens on a corpus of `train_tokens`: `repeated_data` above one epoch.

    `different` is the share of the text that is new where it stands: what repeats inside the text counts as read again.
    Raises InputError above four epochs unless `allow`.

    >>> check_epochs(9e6, 10_000_000)
    []
    >>> check_epochs(15e6, 10_000_000)[0].code
    'repeated_data'
    """
    epochs = tokens_needed / (train_tokens * different)
    if epochs <= 1:
        return []
    told = f"{format_quantity(tokens_needed)} tokens are {epochs:.2g} epochs of {format_quantity(train_tokens)}"
    if different < 1:
        told += f", of which {different:.0%} are new where they stand"
    if epochs > MOST_EPOCHS and not allow:
        raise InputError(
            f"corpus: {told}; expected at most {MOST_EPOCHS:g}. Give more text, spend less compute, "
            "or allow it with --allow-epochs"
        )
    return [Notice(code="repeated_data", message=f"{told}: the law's D counts tokens as if all were fresh.")]
