"""A planned run on its fleet: the layout that trains it fastest."""

from __future__ import annotations

from isoflop.arch import Architecture
from isoflop.arch.layout import Layout, Recompute
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.hardware import Hardware
from isoflop.plan.layout_search import Placement, find_layout, place_in


def place(
    arch: Architecture, seq_len: int, hardware: Hardware, count: int, *, batch: int, slack: float
) -> tuple[Placement | None, tuple[Notice, ...]]:
    """(the fastest layout that fits, nothing) or (None, why there is none).

    A step has `batch` sequences, up to the share `slack` more or less so that they divide evenly.
    """
    try:
        found = find_layout(arch, seq_len, hardware, count, batch=batch, batch_slack=slack)
    except (InputError, RefusedError) as error:
        return None, (Notice(code="no_placement", message=str(error)),)
    return found, ()


def place_own(
    arch: Architecture,
    seq_len: int,
    hardware: Hardware,
    layout: Layout,
    *,
    batch: int,
    slack: float,
    sequences: int,
    recompute: Recompute | None,
) -> tuple[Placement | None, tuple[Notice, ...]]:
    """(what a layout of one's own takes, nothing) or (None, why no step of it can be said); see `place_in`."""
    try:
        found = place_in(
            arch, seq_len, hardware, layout, batch=batch, batch_slack=slack, sequences=sequences, recompute=recompute
        )
    except InputError as error:
        return None, (Notice(code="no_placement", message=str(error)),)
    return found, ()
