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
    """Keys and values of one layer for decoding, (batch, kv_heads, capacity, head_dim); the first `length` are set."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (batch, kv_heads, new, head_dim); returns all so far, (batch, kv_heads, length, head_dim)."""
        end = self.length + keys.shape[2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


def rotary_table(seq_len: int, head_dim: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """(cos, sin), each (seq_len, 1, head_dim), halves repeated; the sine's first half is negated for `rotate`.

    The angle of pair i at position t is t * base^(-2 i / head_dim) (Su et al. 2021, 2104.09864, equation 15). Pairs are
    (i, i + head_dim / 2) as in GPT-NeoX and Llama's published weights for transformers, not (2 i, 2 i + 1). Raises
    InputError for an odd head_dim.
    """
    if head_dim % 2:
        raise InputError(f"head_dim: expected an even number, since rotary positions rotate pairs, got {head_dim}")
    half = head_dim // 2
    # float64 until the end: at position 10^5 a float32 angle would be off by .004 rad
    inverse = ROTARY_BASE ** (-torch.arange(half, dtype=torch.float64, device=device) / half)
    angle = torch.arange(seq_len, dtype=torch.float64, device=device)[:, None] * inverse
    cos, sin = angle.cos(), angle.sin()
    both_cos = torch.cat([cos, cos], dim=-1)[:, None, :].float()
    both_sin = torch.cat([-sin, sin], dim=-1)[:, None, :].float()
    return both_cos, both_sin


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on x (batch, T, heads, head_dim): x cos + swap_halves(x) sin, tables of (T, 1, head_dim)."""
    # rolling by half the width swaps the halves; the sign of the pair's rotation matrix is in the table of sines
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(head_dim)) v, (batch, heads, T, head_dim), under a causal mask.

    q is (batch, heads, T, head_dim), k and v are (batch, kv_heads, S, head_dim) with S >= T: the queries are the last T
    of S positions, and S > T happens only when decoding with a cache. Fewer heads of keys than of queries are grouped
    (Ainslie et al. 2023, 2305.13245): query head h reads key head h // (heads / kv_heads).
    """
    grouped = k.shape[1] != q.shape[1]
    if k.shape[2] == q.shape[2]:
        if use_fused(q) and not grouped and q.shape[2] <= MAX_FUSED_LENGTH:
            return fused_causal_attention(q, k, v)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
    # one query sees every key, and needs no mask
    if q.shape[2] == 1:
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=grouped)
    # `is_causal` would align the diagonal with the first key; the queries are the last positions
    mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril(k.shape[2] - q.shape[2])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)


def relative_table(seq_len: int, d_model: int, device: torch.device | None = None) -> Tensor:
    """(seq_len, d_model) sinusoids of the distances seq_len - 1 down to 0 (Dai et al. 2019, 1901.02860, section 3.3).

    Sines are in the first half and cosines in the second, as in Dai et al.'s own code, not interleaved.
    """
    half = (d_model + 1) // 2
    inverse = ROTARY_BASE ** (-torch.arange(half, dtype=torch.float64, device=device) / half)
    angle = torch.arange(seq_len - 1, -1, -1, dtype=torch.float64, device=device)[:, None] * inverse
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :d_model].float()


def shift_distances(scores: Tensor) -> Tensor:
    """Scores by distance to scores by key: out[i, j] = scores[i, column of the distance from query i to key j].

    `scores` and the result are (..., T, S); column c holds distance S - 1 - c, and the queries are the last T of S
    positions. Entries of keys after the query are meaningless and must be masked.
    """
    lead, rows, columns = scores.shape[:-2], scores.shape[-2], scores.shape[-1]
    # Row i must move left by T - 1 - i columns. With one padded column rows are S + 1 long; the same memory without its
    # first T values, read in rows of S, is moved by just that (Dai et al. 2019, appendix B): no gather, and no tensor
    # of relative keys by (query, key).
    padded = F.pad(scores, (1, 0))
    shifted: Tensor = padded.view(*lead, columns + 1, rows)[..., 1:, :].reshape(*lead, rows, columns)
    return shifted


def relative_attention(q: Tensor, k: Tensor, v: Tensor, r: Tensor, q_position: Tensor) -> Tensor:
    """Transformer-XL attention (Dai et al. 2019, section 3.3); shapes as in `causal_attention`, heads equal.

    score(i, j) = [q_i . k_j + q_position_i . r_(i-j)] / sqrt(head_dim) with r (heads, S, head_dim) from distance S - 1
    down to 0; q and q_position (batch, heads, T, head_dim) carry the content bias u and the position bias v.
    """
    queries, keys = q.shape[2], k.shape[2]
    # both terms are (batch, heads, T, S); the second is computed by distance and shifted to keys
    scores = q @ k.transpose(-1, -2) + shift_distances(q_position @ r.transpose(-1, -2))
    later = torch.ones(queries, keys, dtype=torch.bool, device=q.device).triu(keys - queries + 1)
    scores = (scores / math.sqrt(q.shape[-1])).masked_fill(later, float("-inf"))
    return scores.softmax(-1) @ v
