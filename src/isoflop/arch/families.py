"""The table of families: name -> its tensors, its position cost, its usual proportions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from isoflop.arch import gopher, llama
from isoflop.arch.architecture import Architecture, TensorShape
from isoflop.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Family:
    """What sets one family of architectures apart from another."""

    name: str
    tensors: Callable[[Architecture], Iterator[TensorShape]]
    position_flops_per_token: Callable[[Architecture, int], int]
    """(architecture, seq_len) -> training FLOPs per token that positions add; see `account.flops_per_token`."""
    tied_embedding: bool
    ff_ratio: float
    """d_ff / d_model of the family's published shapes."""
    gated_feed_forward: bool


FAMILIES: dict[str, Family] = {
    "llama": Family(
        name="llama",
        tensors=llama.tensors,
        position_flops_per_token=llama.position_flops_per_token,
        tied_embedding=False,
        ff_ratio=8 / 3,  # Touvron et al. 2023: 2/3 of 4 d, so that three matrices cost what two of 4 d did
        gated_feed_forward=True,
    ),
    "gopher": Family(
        name="gopher",
        tensors=gopher.tensors,
        position_flops_per_token=gopher.position_flops_per_token,
        tied_embedding=True,
        ff_ratio=4.0,  # Hoffmann et al. 2022, Table 4
        gated_feed_forward=False,
    ),
}


def family_named(name: str) -> Family:
    """The family called `name`. Raises InputError that lists the families there are."""
    if name not in FAMILIES:
        raise InputError(f"family: expected one of {', '.join(sorted(FAMILIES))}, got {name!r}")
    return FAMILIES[name]
