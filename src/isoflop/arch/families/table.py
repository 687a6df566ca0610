"""The table of families: name -> its tensors, its position cost, its usual proportions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture
from isoflop.arch.families import gopher, gpt, llama, palm
from isoflop.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Family:
    """What distinguishes one family of architectures from another."""

    name: str
    tensors: Callable[[Architecture], Iterator[TensorShape]]
    position_flops_per_token: Callable[[Architecture, int], int]
    """(architecture, seq_len) -> training FLOPs per token that positions add; see `flops.flops_per_token`."""
    tied_embedding: bool
    ff_ratio: float
    """d_ff / d_model of the family's published shapes."""
    gated_feed_forward: bool
    parallel_block: bool = False
    """Whether attention and feed-forward of a layer are computed in parallel from one norm's output."""
    learned_positions: bool = False
    """Whether a shape has a table of positions, `n_positions` long."""
    multi_query: bool = False
    """Whether the heads of the family's shapes share one head of keys and values by default."""
    wide_head_dim: int = 128
    """Width of a head in large shapes; 128 in Hoffmann et al. 2022, Table A9, above width 1,024."""
    z_loss: float = 0.0
    """Weight of ln^2 Z in the family's training objective; see `RunSpec.z_loss`."""
    optional: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """{part that a shape may lack, see `Architecture.without`: last parts of the names of its tensors}."""

    def left_out(self, arch: Architecture) -> frozenset[str]:
        """Last parts of the names of the tensors that `arch` lacks.

        Raises InputError where the family has no such positions or no such optional part.
        """
        problems = [
            f"without: expected some of {sorted(self.optional)}, got {name!r}"
            for name in arch.without
            if name not in self.optional
        ]
        if self.learned_positions and arch.n_positions is None:
            problems.append("n_positions: expected the longest context, for a table of learned positions, got none")
        if not self.learned_positions and arch.n_positions is not None:
            problems.append(f"n_positions: expected none, no positions are learned, got {arch.n_positions}")
        if problems:
            raise InputError.gathered(f"architecture of family {self.name}", problems)
        return frozenset[str]().union(*(self.optional[name] for name in arch.without))


# Mutable on purpose: a family defined elsewhere adds its entry, see docs/adding-a-family.md.
FAMILIES: dict[str, Family] = {
    "llama": Family(
        name="llama",
        tensors=llama.tensors,
        position_flops_per_token=llama.position_flops_per_token,
        tied_embedding=False,
        ff_ratio=8 / 3,  # Touvron et al. 2023: 2/3 of 4 d, so that three matrices cost as much as two of 4 d
        gated_feed_forward=True,
        optional={"query_key_norm": frozenset({"query_norm", "key_norm"})},
    ),
    "gopher": Family(
        name="gopher",
        tensors=gopher.tensors,
        position_flops_per_token=gopher.position_flops_per_token,
        tied_embedding=True,
        ff_ratio=4.0,  # Hoffmann et al. 2022, Table 4
        gated_feed_forward=False,
    ),
    "gpt": Family(
        name="gpt",
        tensors=gpt.tensors,
        position_flops_per_token=gpt.position_flops_per_token,
        tied_embedding=True,
        ff_ratio=4.0,  # Brown et al. 2020, section 2.1
        gated_feed_forward=False,
        learned_positions=True,
        optional={"final_norm": frozenset({"final_norm", "final_norm_bias"})},
    ),
    "gpt-rope": Family(
        name="gpt-rope",
        tensors=gpt.tensors,
        position_flops_per_token=gpt.position_flops_per_token,
        tied_embedding=True,
        ff_ratio=4.0,
        gated_feed_forward=False,
        optional={"final_norm": frozenset({"final_norm", "final_norm_bias"})},
    ),
    "palm": Family(
        name="palm",
        tensors=palm.tensors,
        position_flops_per_token=palm.position_flops_per_token,
        tied_embedding=True,
        ff_ratio=4.0,  # Chowdhery et al. 2022, Table 1
        gated_feed_forward=True,
        parallel_block=True,
        multi_query=True,
        wide_head_dim=256,  # Chowdhery et al. 2022, Table 1
        z_loss=1e-4,  # Chowdhery et al. 2022, section 5
    ),
}


def family_named(name: str) -> Family:
    """The family called `name`. Raises InputError that lists all families."""
    if name not in FAMILIES:
        raise InputError(f"family: expected one of {', '.join(sorted(FAMILIES))}, got {name!r}")
    return FAMILIES[name]
