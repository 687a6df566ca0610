"""Attention against its plain definition; rotations and shifts against a computation index by index."""

from __future__ import annotations

import math

import pytest
import torch

from isoflop.errors import InputError
from isoflop.train.attention import (
    ROTARY_BASE,
    KeyValueCache,
    causal_attention,
    relative_attention,
    relative_table,
    rotary_table,
    rotate,
    shift_distances,
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def plain_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """One query at a time: softmax over the keys up to its own position, heads sharing keys in order."""
    (batch, heads, queries, dim), (kv_heads, keys) = q.shape, k.shape[1:3]
    out = torch.zeros_like(q)
    for b in range(batch):
        for h in range(heads):
            shared = h // (heads // kv_heads)
            for i in range(queries):
                seen = keys - queries + i + 1
                scores = k[b, shared, :seen] @ q[b, h, i] / math.sqrt(dim)
                out[b, h, i] = scores.softmax(0) @ v[b, shared, :seen]
    return out


@pytest.mark.parametrize(("queries", "keys"), [(7, 7), (1, 7), (3, 7), (1, 1)])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_causal_attention_is_its_definition(queries: int, keys: int, kv_heads: int) -> None:
    q = random(2, 4, queries, 6)
    k, v = random(2, kv_heads, keys, 6, seed=1), random(2, kv_heads, keys, 6, seed=2)
    torch.testing.assert_close(causal_attention(q, k, v), plain_attention(q, k, v))


def test_each_pair_is_rotated_by_its_angle() -> None:
    # Su et al. 2021 (2104.09864), equation 15: pair i rotates by t * base^(-2 i / d); pair i is (i, i + d / 2)
    x = random(1, 5, 2, 6)
    turned = rotate(x, *rotary_table(5, 6))
    for t in range(5):
        for i in range(3):
            angle = t * ROTARY_BASE ** (-2 * i / 6)
            a, b = x[0, t, :, i], x[0, t, :, i + 3]
            torch.testing.assert_close(turned[0, t, :, i], a * math.cos(angle) - b * math.sin(angle))
            torch.testing.assert_close(turned[0, t, :, i + 3], a * math.sin(angle) + b * math.cos(angle))


def test_rotation_keeps_lengths_and_the_first_token() -> None:
    x = random(2, 9, 3, 8)
    turned = rotate(x, *rotary_table(9, 8))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[:, 0], x[:, 0])


def test_far_positions_keep_their_angles() -> None:
    # in float32 t * frequency would be off by 1e-3; the table is computed in float64
    cos, _ = rotary_table(100_000, 8)
    angle = 99_999 * ROTARY_BASE ** (-2 / 8)
    assert cos[99_999, 0, 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_pairs_need_an_even_width() -> None:
    with pytest.raises(InputError, match="head_dim: expected an even number, .* rotate pairs, got 15"):
        rotary_table(4, 15)


@pytest.mark.parametrize(("rows", "columns"), [(6, 6), (1, 6), (4, 6)])
def test_a_shift_puts_each_distance_under_its_key(rows: int, columns: int) -> None:
    scores = random(2, 3, rows, columns)
    shifted = shift_distances(scores)
    for i in range(rows):
        place = columns - rows + i
        for j in range(place + 1):
            distance = place - j
            torch.testing.assert_close(shifted[..., i, j], scores[..., i, columns - 1 - distance])


@pytest.mark.parametrize("queries", [1, 4, 7])
def test_relative_attention_of_the_last_queries_is_that_of_all(queries: int) -> None:
    q, k, v, p = (random(1, 2, 7, 4, seed=seed) for seed in range(4))
    r = random(2, 7, 4, seed=9)
    whole = relative_attention(q, k, v, r, p)
    last = relative_attention(q[:, :, -queries:], k, v, r, p[:, :, -queries:])
    torch.testing.assert_close(last, whole[:, :, -queries:])


@pytest.mark.parametrize("width", [6, 7])
def test_a_longer_table_of_distances_ends_like_a_shorter_one(width: int) -> None:
    assert relative_table(9, width).shape == (9, width)
    torch.testing.assert_close(relative_table(9, width)[-4:], relative_table(4, width))


def test_a_cache_gives_back_everything_so_far_and_nothing_more() -> None:
    cache = KeyValueCache(keys=torch.full((1, 2, 8, 3), math.nan), values=torch.full((1, 2, 8, 3), math.nan))
    keys, values = random(1, 2, 6, 3), random(1, 2, 6, 3, seed=1)
    for first, end in ((0, 4), (4, 5), (5, 6)):
        k, v = cache.extend(keys[:, :, first:end], values[:, :, first:end])
        torch.testing.assert_close(k, keys[:, :, :end])
        torch.testing.assert_close(v, values[:, :, :end])
    assert cache.length == 6
