"""The table of families: name -> its tensors, its position cost, its usual proportions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture
from isoflop.arch.families import gopher, gpt, llama, moe, palm
from isoflop.errors import InputError


class OwnFields(TypedDict):
    """Fields of an `Architecture` that only some families have."""

    n_positions: int | None
    n_experts: int | None
    active_experts: int | None
    shared_experts: int | None


@dataclass(frozen=True, kw_only=True)
class UsualExperts:
    """Experts of a family's shapes where none are asked for."""

    total: int
    active: int
    shared: int

    @property
    def used(self) -> int:
        """Experts that a token uses."""
        return self.active + self.shared


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
    experts: UsualExperts | None = None
    """Experts of a shape unless it states others; None in families without."""
    balance_loss: float = 0.0
    """Weight of the loss that balances experts in the family's training objective; see `train/experts.py`."""
    optional: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """{part that a shape may lack, see `Architecture.without`: last parts of the names of its tensors}."""

    def own_fields(self, positions: int) -> OwnFields:
        """Fields that only some families have, as in a usual shape for contexts of `positions` tokens."""
        experts = self.experts
        return {
            "n_positions": positions if self.learned_positions else None,
            "n_experts": None if experts is None else experts.total,
            "active_experts": None if experts is None else experts.active,
            "shared_experts": None if experts is None else experts.shared or None,
        }

    def usual_d_ff(self, d_model: int) -> float:
        """Width of the feed-forward, or of one expert where a token passes as many columns through several of them."""
        return self.ff_ratio * d_model / (1 if self.experts is None else self.experts.used)

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
        counts = (arch.n_experts, arch.active_experts)
        if self.experts is not None and None in counts:
            problems.append(
                f"n_experts, active_experts: expected how many there are and how many a token uses, got {counts}"
            )
        if self.experts is None and (*counts, arch.shared_experts) != (None, None, None):
            problems.append(f"n_experts: expected none in a family without experts, got {arch.n_experts}")
        if not self.learned_positions and arch.n_positions is not None:
            problems.append(f"n_positions: expected none, no positions are learned, got {arch.n_positions}")
        if problems:
            raise InputError.gathered(f"architecture of family {self.name}", problems)
        return frozenset[str]().union(*(self.optional[name] for name in arch.without))


_GPT = Family(
    name="gpt",
    tensors=gpt.tensors,
    position_flops_per_token=gpt.position_flops_per_token,
    tied_embedding=True,
    ff_ratio=4.0,  # Brown et al. 2020, section 2.1
    gated_feed_forward=False,
    learned_positions=True,
    optional={"final_norm": frozenset({"final_norm", "final_norm_bias"})},
)
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
    "gpt": _GPT,
    "gpt-rope": replace(_GPT, name="gpt-rope", learned_positions=False),
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
    "moe": Family(
        name="moe",
        tensors=moe.tensors,
        position_flops_per_token=llama.position_flops_per_token,
        tied_embedding=False,
        ff_ratio=8 / 3,  # of all experts that a token uses together, as llama
        gated_feed_forward=True,
        experts=UsualExperts(total=8, active=2, shared=1),  # Jiang et al. 2024, Table 1; Dai et al. 2024, section 5.1
        balance_loss=3e-3,  # DeepSeek-AI 2024 (2405.04434), section 3.1.2
        optional={"query_key_norm": frozenset({"query_norm", "key_norm"})},
    ),
}


def family_named(name: str) -> Family:
    """The family called `name`. Raises InputError that lists all families."""
    if name not in FAMILIES:
        raise InputError(f"family: expected one of {', '.join(sorted(FAMILIES))}, got {name!r}")
    return FAMILIES[name]
