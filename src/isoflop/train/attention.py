"""Attention of the families: rotary and relative positions, with and without a key-value cache."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import ROTARY_BASE
from isoflop.errors import InputError
from isoflop.train.cpu.heads import MAX_FUSED_LENGTH, fused_causal_attention
from isoflop.train.cpu.ops import use_fused


@dataclass
class KeyValueCache:
    """Keys and values of one layer, for decoding token by token. Shapes (batch, kv_heads, capacity, head_dim)."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (batch, kv_heads, new, head_dim) and return everything so far."""
        end = self.length + keys.shape[2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


def rotary_table(seq_len: int, head_dim: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """(cos, sin) of shape (seq_len, 1, head_dim), halves repeated; the sine's first half is negated for `rotate`.

    Angle of pair i at position t: t * base^(-2 i / head_dim) (Su et al. 2021, equation 15). Raises InputError for an
    odd head_dim.
    """
    if head_dim % 2:
        raise InputError(f"head_dim: expected an even number, as rotary positions turn pairs, got {head_dim}")
    half = head_dim // 2
    inverse = ROTARY_BASE ** (-torch.arange(half, dtype=torch.float64, device=device) / half)
    angle = torch.arange(seq_len, dtype=torch.float64, device=device)[:, None] * inverse
    cos, sin = angle.cos(), angle.sin()
    both_cos = torch.cat([cos, cos], dim=-1)[:, None, :].float()
    both_sin = torch.cat([-sin, sin], dim=-1)[:, None, :].float()
    return both_cos, both_sin


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on x of shape (batch, T, heads, head_dim): x cos + swap_halves(x) sin."""
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention; q (batch, heads, T, head_dim), k and v (batch, kv_heads, S, head_dim), S >= T.

    The last query sees every key; S > T happens only when decoding with a cache.
    """
    grouped = k.shape[1] != q.shape[1]
    if k.shape[2] == q.shape[2]:
        if use_fused(q) and not grouped and q.shape[2] <= MAX_FUSED_LENGTH:
            return fused_causal_attention(q, k, v)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
    if q.shape[2] == 1:
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=grouped)
    mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril(k.shape[2] - q.shape[2])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)


def relative_table(seq_len: int, d_model: int, device: torch.device | None = None) -> Tensor:
    """(seq_len, d_model) sinusoids of the distances seq_len - 1 down to 0 (Dai et al. 2019, section 3.3)."""
    half = (d_model + 1) // 2
    inverse = ROTARY_BASE ** (-torch.arange(half, dtype=torch.float64, device=device) / half)
    angle = torch.arange(seq_len - 1, -1, -1, dtype=torch.float64, device=device)[:, None] * inverse
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :d_model].float()


def shift_distances(scores: Tensor) -> Tensor:
    """Turn scores by distance into scores by key: out[i, j] = scores[i, column of the distance from query i to key j].

    `scores` is (..., T, S) with column c for distance S - 1 - c; the queries are the last T of S positions. Pad a
    column, read the same memory with rows one longer, drop the first row (Dai et al. 2019, appendix B).
    Entries of keys after the query are meaningless and must be masked.
    """
    lead, rows, columns = scores.shape[:-2], scores.shape[-2], scores.shape[-1]
    padded = F.pad(scores, (1, 0))
    shifted: Tensor = padded.view(*lead, columns + 1, rows)[..., 1:, :].reshape(*lead, rows, columns)
    return shifted


def relative_attention(q: Tensor, k: Tensor, v: Tensor, r: Tensor, q_position: Tensor) -> Tensor:
    """Transformer-XL attention (Dai et al. 2019, section 3.3); shapes as in `causal_attention`, heads equal.

    score(i, j) = [q_i . k_j + q_position_i . r_(i-j)] / sqrt(head_dim) with r of shape (heads, S, head_dim) from
    distance S - 1 down to 0; q and q_position carry the content and the position bias.
    """
    queries, keys = q.shape[2], k.shape[2]
    scores = q @ k.transpose(-1, -2) + shift_distances(q_position @ r.transpose(-1, -2))
    later = torch.ones(queries, keys, dtype=torch.bool, device=q.device).triu(keys - queries + 1)
    scores = (scores / math.sqrt(q.shape[-1])).masked_fill(later, float("-inf"))
    return scores.softmax(-1) @ v
