"""A model of layers that may differ, with the account of its parameters, FLOPs and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from isoflop.arch.architecture import MOST_OF_A_SHAPE
from isoflop.arch.composed.parts import Attention, Experts, FeedForward, LatentAttention
from isoflop.arch.layout import HiddenOptimizer
from isoflop.arch.tensors import ParamCount
from isoflop.errors import InputError, Notice

AnyAttention: TypeAlias = Attention | LatentAttention
AnyFeedForward: TypeAlias = FeedForward | Experts

COMPOSED_CONVENTIONS = ("six_n", "six_n_non_embedding", "six_active_n", "palm_mfu", "matmul")
"""FLOPs per token of a composed model: `ComposedModel.flops_per_token`."""
STATE_BYTES = 16
"""Bytes a parameter of mixed-precision training: weights and gradients in 16 bits, and the weights and two moments of
Adam in 32 (Rajbhandari et al. 2020, 1910.02054, section 3.1)."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer: attention, a feed-forward part or experts, and its norms."""

    attention: AnyAttention
    feed_forward: AnyFeedForward
    norm_vectors: int = 2
    """Vectors as wide as the model: gains of norms, and their biases."""


@dataclass(frozen=True, kw_only=True)
class ComposedModel:
    """A decoder-only transformer as its configuration describes it."""

    kind: str
    """The `model_type` of its configuration."""
    d_model: int
    vocab_size: int
    layers: tuple[Layer, ...]
    tied_embedding: bool
    context: int
    """Longest context in tokens."""
    end_vectors: int = 1
    """Vectors as wide as the model outside the layers: the last norm, a norm of the embedding, and their biases."""
    n_positions: int = 0
    """Rows of a table of learned positions."""
    embedding_dim: int | None = None
    """Width of the embedding where it is not the model's: two projections then lead in and out (OPT 350M)."""
    head_bias: bool = False
    notices: tuple[Notice, ...] = ()
    """Parts of the configuration outside the model that was counted."""

    def __post_init__(self) -> None:
        problems = []
        for layer in dict.fromkeys(self.layers):
            part, attention = layer.feed_forward, layer.attention
            if isinstance(attention, Attention) and attention.n_heads % attention.n_kv_heads:
                problems.append(
                    f"heads of keys and values: expected a divisor of {attention.n_heads}, got {attention.n_kv_heads}"
                )
            if isinstance(part, Experts) and part.active > part.total:
                problems.append(f"experts: a token is to use {part.active} of {part.total}")
            own = (self.d_model, self.vocab_size, self.context, self.embedding_dim or 0)
            widest = max(*_numbers(attention), *_numbers(part), *own)
            if widest > MOST_OF_A_SHAPE:
                problems.append(f"expected widths and counts of at most {MOST_OF_A_SHAPE:,}, got {widest:,}")
        if problems:
            raise InputError.gathered(f"model of type {self.kind}", dict.fromkeys(problems))

    def params(self) -> ParamCount:
        """Parameters by role, all that are stored. The router counts as feed-forward."""
        return self._count(stored=True)

    def active_params(self) -> ParamCount:
        """Parameters by role that one token uses: of experts the chosen ones, and the whole router and shared part.

        The table of the embedding counts whole, as in the published counts.
        """
        return self._count(stored=False)

    def flops_per_token(self, seq_len: int, convention: str = "matmul") -> float:
        """Training FLOPs per token at `seq_len` under one of COMPOSED_CONVENTIONS, see `arch.flops_per_token`.

        `matmul`: every matrix product of a token, the chosen experts only, with attention over all pairs within each
        layer's window. `six_active_n`: six times the active parameters, as reports of mixtures of experts count.

        Raises InputError for another convention.
        """
        if convention == "six_n":
            return 6.0 * self.params().total
        if convention == "six_n_non_embedding":
            return 6.0 * self.params().non_embedding
        if convention == "six_active_n":
            return 6.0 * self.active_params().total
        scores = 6.0 * sum(layer.attention.score_products(seq_len) for layer in self.layers)
        if convention == "palm_mfu":
            return 6.0 * self.active_params().total + scores
        if convention == "matmul":
            return 6.0 * self.active_params().matmul + scores
        expected = ", ".join(COMPOSED_CONVENTIONS)
        raise InputError(f"FLOPs convention of a composed model: expected one of {expected}, got {convention!r}")

    def flops_by_convention(self, seq_len: int) -> dict[str, float]:
        """{convention: training FLOPs per token}, all of COMPOSED_CONVENTIONS."""
        return {convention: self.flops_per_token(seq_len, convention) for convention in COMPOSED_CONVENTIONS}

    def state_bytes(self, optimizer: HiddenOptimizer = "adamw") -> int:
        """Bytes of weights, gradients and optimiser, experts among them; Muon keeps one moment of hidden matrices."""
        count = self.params()
        spared = 0 if optimizer == "adamw" else 4 * (count.attention + count.feed_forward)
        return STATE_BYTES * count.total - spared

    def weight_bytes(self, value_bytes: float = 2) -> int:
        """Bytes of the served weights: all experts, whichever a token chooses."""
        return math.ceil(self.params().total * value_bytes)

    def cache_bytes(self, seq_len: int, batch: int = 1, value_bytes: float = 2) -> int:
        """Bytes of the cache of `batch` sequences of `seq_len` tokens, each layer by its window or narrow vector."""
        return math.ceil(sum(layer.attention.cached(seq_len) for layer in self.layers) * batch * value_bytes)

    def _count(self, *, stored: bool) -> ParamCount:
        d = self.d_model
        width = self.embedding_dim or d
        attention = feed_forward = vectors = 0
        for layer in self.layers:
            attention += layer.attention.matrices(d)
            part = layer.feed_forward
            feed_forward += part.matrices(d) if stored else part.active_matrices(d)
            vectors += layer.attention.vectors(d) + layer.norm_vectors * d
            vectors += part.vectors(d) if stored else part.active_vectors(d)
        table, tied = self.vocab_size * width, self.tied_embedding
        return ParamCount(
            embedding=table + self.n_positions * d,
            output_head=0 if tied else table,
            attention=attention,
            feed_forward=feed_forward + (0 if width == d else 2 * width * d),
            position=0,
            vectors=vectors + self.end_vectors * d + (self.vocab_size if self.head_bias else 0),
            tied_head=table if tied else 0,
        )


def _numbers(part: AnyAttention | AnyFeedForward) -> list[int]:
    """All widths and counts of a part."""
    inner = [each for each in vars(part).values() if isinstance(each, FeedForward)]
    own = [each for each in vars(part).values() if isinstance(each, int) and not isinstance(each, bool)]
    return [*own, *(number for each in inner for number in _numbers(each))]
