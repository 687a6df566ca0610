"""A planned run on its fleet: the batch of a step, and the layout that trains it fastest."""

from __future__ import annotations

import math

from isoflop.arch import Architecture
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.hardware import Hardware
from isoflop.plan.layout import Placement, find_layout

CHINCHILLA_RATIO = 20
"""Tokens a parameter of a run of which only the shape is known (Hoffmann et al. 2022, Table 3: 20.2 at 1B)."""
# By how much the rule's batch may be rounded so that it divides over the devices. An assumption: published rules for
# the batch of one and the same run differ by more.
_BATCH_SLACK = 0.1
# And one that was given: people write 4M for 2^22, which is 4.9 % more.
_GIVEN_SLACK = 0.05


def batch_of(tokens: float, seq_len: int) -> int:
    """Sequences of `seq_len` tokens in a step of a run on `tokens`, at least one.

    The Step Law, 0.58 D^0.571 tokens (Li et al. 2025, 2503.04715).

    >>> batch_of(1.4e12, 2048)
    2441
    """
    return max(1, round(0.58 * math.pow(tokens, 0.571) / seq_len))


def place(
    arch: Architecture,
    seq_len: int,
    hardware: Hardware,
    count: int,
    *,
    tokens: float,
    batch_tokens: float | None = None,
) -> tuple[Placement | None, tuple[Notice, ...]]:
    """(the fastest layout that fits, nothing) or (None, why there is none), for a run on `tokens`.

    A step has `batch_tokens`, or what `batch_of` says, in sequences that divide evenly: up to a twentieth, or a tenth,
    more or less.
    """
    given = None if batch_tokens is None else max(1, round(batch_tokens / seq_len))
    try:
        found = find_layout(
            arch,
            seq_len,
            hardware,
            count,
            batch=batch_of(tokens, seq_len) if given is None else given,
            batch_slack=_BATCH_SLACK if given is None else _GIVEN_SLACK,
        )
    except (InputError, RefusedError) as error:
        return None, (Notice(code="no_placement", message=str(error)),)
    return found, ()
