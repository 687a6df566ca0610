"""The parts of a layer, each with its parameters, its products per token and its bytes of cache.

A part counts its parameters in two ways: all that are stored, and those that a token uses, which differ for experts
only. Vectors are norm gains, biases and the like; they multiply no matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QueryKeyNorm = Literal["none", "heads", "whole"]
"""Norms of queries and keys: none, a gain as wide as a head that all heads share, or one over all heads together."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Attention with heads of keys and values that may be shared (Ainslie et al. 2023, 2305.13245)."""

    n_heads: int
    n_kv_heads: int
    head_dim: int
    window: int | None = None
    """Tokens that it covers; None: all previous ones."""
    query_bias: bool = False
    """Biases of queries, keys and values."""
    output_bias: bool = False
    query_key_norm: QueryKeyNorm = "none"
    norm_biases: bool = False
    """Whether those norms have biases too."""
    sinks: bool = False
    """A learned logit for each head, which takes part in the softmax alone (gpt-oss)."""

    def matrices(self, d_model: int) -> int:
        """Parameters in matrices."""
        return d_model * self.head_dim * (2 * self.n_heads + 2 * self.n_kv_heads)

    def vectors(self, d_model: int) -> int:
        """Parameters in vectors."""
        queries, keys = self.n_heads * self.head_dim, self.n_kv_heads * self.head_dim
        biases = (queries + 2 * keys if self.query_bias else 0) + (d_model if self.output_bias else 0)
        gains = {"none": 0, "heads": 2 * self.head_dim, "whole": queries + keys}[self.query_key_norm]
        return biases + gains * (2 if self.norm_biases else 1) + (self.n_heads if self.sinks else 0)

    def attended(self, seq_len: int) -> int:
        """Keys per query in a context of `seq_len` tokens."""
        return seq_len if self.window is None else min(seq_len, self.window)

    def score_products(self, seq_len: int) -> int:
        """Multiplications per token, forward, of queries with keys and of scores with values."""
        return 2 * self.n_heads * self.head_dim * self.attended(seq_len)

    def cached(self, seq_len: int) -> int:
        """Values in the cache of one sequence."""
        return 2 * self.n_kv_heads * self.head_dim * self.attended(seq_len)


@dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention: keys and values from a narrow vector, which is what is cached.

    DeepSeek-AI 2024 (2405.04434), section 2.1; a part of each query and one key for all heads carry rotary positions.
    Counted as it is trained: keys and values are expanded for every head.
    """

    n_heads: int
    kv_rank: int
    """Width of the vector that is cached."""
    query_rank: int | None
    """Width of that from which queries are made; None: from the residual stream."""
    plain_dim: int
    """Width of a query or key without positions, a head."""
    rotary_dim: int
    value_dim: int
    narrow_bias: bool = False
    """Biases of the projections to narrow vectors and of the output."""

    def matrices(self, d_model: int) -> int:
        """Parameters in matrices."""
        queries = self.n_heads * (self.plain_dim + self.rotary_dim)
        to_queries = d_model * queries if self.query_rank is None else self.query_rank * (d_model + queries)
        narrow = d_model * (self.kv_rank + self.rotary_dim)
        expanded = self.kv_rank * self.n_heads * (self.plain_dim + self.value_dim)
        return to_queries + narrow + expanded + self.n_heads * self.value_dim * d_model

    def vectors(self, d_model: int) -> int:
        """Parameters in vectors: the norms of the narrow vectors, and biases."""
        biases = (self.query_rank or 0) + self.kv_rank + self.rotary_dim + d_model if self.narrow_bias else 0
        return self.kv_rank + (self.query_rank or 0) + biases

    def score_products(self, seq_len: int) -> int:
        """Multiplications per token, forward, of queries with keys and of scores with values."""
        return self.n_heads * (self.plain_dim + self.rotary_dim + self.value_dim) * seq_len

    def cached(self, seq_len: int) -> int:
        """Values in the cache of one sequence."""
        return (self.kv_rank + self.rotary_dim) * seq_len


@dataclass(frozen=True, kw_only=True)
class FeedForward:
    """A feed-forward part, of two matrices, or of three with a gate (Shazeer 2020, 2002.05202)."""

    width: int
    gated: bool = True
    bias: bool = False

    def matrices(self, d_model: int) -> int:
        """Parameters in matrices."""
        return (3 if self.gated else 2) * d_model * self.width

    def vectors(self, d_model: int) -> int:
        """Parameters in biases."""
        return ((2 if self.gated else 1) * self.width + d_model) if self.bias else 0

    active_matrices = matrices
    active_vectors = vectors


@dataclass(frozen=True, kw_only=True)
class Experts:
    """A mixture of experts: a router that chooses `active` of `total`, and what every token passes besides."""

    total: int
    active: int
    expert: FeedForward
    shared: FeedForward | None = None
    """What every token passes, as wide as all shared experts together."""
    router_bias: bool = False
    shared_gate: bool = False
    """A vector as wide as the model that weighs the shared part, a product of one number (Qwen 1.5 MoE)."""

    def matrices(self, d_model: int) -> int:
        """Parameters in matrices: experts, router, and the shared part."""
        return self._matrices(d_model, self.total)

    def active_matrices(self, d_model: int) -> int:
        """Those that a token is multiplied by; the router sees every token."""
        return self._matrices(d_model, self.active)

    def vectors(self, d_model: int) -> int:
        """Parameters in biases."""
        return self._vectors(d_model, self.total)

    def active_vectors(self, d_model: int) -> int:
        """Those that a token meets."""
        return self._vectors(d_model, self.active)

    def _matrices(self, d_model: int, experts: int) -> int:
        shared = 0 if self.shared is None else self.shared.matrices(d_model)
        gate = d_model if self.shared_gate else 0
        return experts * self.expert.matrices(d_model) + self.total * d_model + shared + gate

    def _vectors(self, d_model: int, experts: int) -> int:
        shared = 0 if self.shared is None else self.shared.vectors(d_model)
        return experts * self.expert.vectors(d_model) + shared + (self.total if self.router_bias else 0)
