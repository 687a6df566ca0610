"""The parameter tensors of a model, and their count by role and by convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isoflop.errors import InputError

Role = Literal["embedding", "output_head", "attention", "feed_forward", "position", "vectors"]
ROLES: tuple[Role, ...] = ("embedding", "output_head", "attention", "feed_forward", "position", "vectors")

PARAMS_CONVENTIONS = ("total", "non_embedding", "matmul")
"""Which parameters count: `ParamCount.by_convention`."""


@dataclass(frozen=True, kw_only=True)
class TensorShape:
    """One parameter tensor. Matrices are (outputs, inputs), as PyTorch's linear layers store them."""

    name: str
    """Dotted, as in the trainer's state dict, e.g. `blocks.0.attention_in`."""
    shape: tuple[int, ...]
    role: Role
    active: bool = True
    """Whether one token uses it; of routed experts as many are marked as a token chooses."""

    @property
    def size(self) -> int:
        """Number of parameters in the tensor."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def active_size(self) -> int:
        """Number of parameters that one token uses."""
        return self.size if self.active else 0


@dataclass(frozen=True, kw_only=True)
class ParamCount:
    """Parameters by role. Never a bare int: which ones count is a convention (see `by_convention`)."""

    embedding: int
    """Tables of tokens and of learned positions, counted together as in Kaplan et al. 2020, Table 1."""
    output_head: int
    """Zero when the output head is the embedding (tied)."""
    attention: int
    feed_forward: int
    position: int
    """Projections of relative positions."""
    vectors: int
    """Norm gains and biases."""
    tied_head: int = 0
    """Parameters of the token embedding that are multiplied again as the output head."""

    @property
    def total(self) -> int:
        """All parameters, the convention of Hoffmann et al. 2022."""
        return self.embedding + self.non_embedding + self.output_head

    @property
    def non_embedding(self) -> int:
        """All but the embeddings of tokens and positions and the output head: the convention of Kaplan et al. 2020."""
        return self.attention + self.feed_forward + self.position + self.vectors

    @property
    def matmul(self) -> int:
        """Parameters that multiply every token: all matrices, without the embedding look-up and with the output head
        (Porian et al. 2024, 2406.19146)."""
        return self.attention + self.feed_forward + self.position + self.output_head + self.tied_head

    def by_convention(self, convention: str) -> int:
        """The count under `total`, `non_embedding` or `matmul`. Raises InputError for another name."""
        if convention not in PARAMS_CONVENTIONS:
            raise InputError(f"params convention: expected one of {', '.join(PARAMS_CONVENTIONS)}, got {convention!r}")
        return int(getattr(self, convention))

    def by_role(self) -> dict[str, int]:
        """{role: parameters}; sums to `total`."""
        return {role: int(getattr(self, role)) for role in ROLES}
