"""Whole layers against their definition, written out token by token and head by head."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import NORM_EPS
from isoflop.train.attention import relative_table, rotary_table, rotate

from .models import shaken

LENGTH = 9


def stream(width: int) -> torch.Tensor:
    return torch.randn(1, LENGTH, width, generator=torch.Generator().manual_seed(5))


def softmax_mean(scores: list[torch.Tensor], values: torch.Tensor) -> torch.Tensor:
    return torch.stack(scores).softmax(0) @ values


@torch.no_grad()
def test_gopher_is_transformer_xl_with_its_biases_in_the_residual_streams_width() -> None:
    # Dai et al. 2019, section 3.3: score = q k + q r + u k + v r, here with u = W_q c and v = W_q p
    model = shaken("gopher")
    arch, block = model.arch, model.blocks[0]
    x = stream(arch.d_model)
    normed = F.rms_norm(x, (arch.d_model,), block.attention_norm, NORM_EPS)[0]
    query, key, value = torch.split(block.attention_in, [arch.attention_width, arch.kv_width, arch.kv_width])
    r = relative_table(LENGTH, arch.d_model) @ block.relative_key.T  # row LENGTH - 1 - distance
    heads = torch.zeros(LENGTH, arch.n_heads, arch.head_dim)
    for h in range(arch.n_heads):
        own = slice(h * arch.head_dim, (h + 1) * arch.head_dim)
        shared = slice(0, arch.head_dim)  # one head of keys and values in this model
        k, v = normed @ key[shared].T, normed @ value[shared].T
        u, p = query[own] @ block.content_bias, query[own] @ block.position_bias
        for i in range(LENGTH):
            q = query[own] @ normed[i]
            scores = [
                ((q + u) @ k[j] + (q + p) @ r[LENGTH - 1 - (i - j), own]) / math.sqrt(arch.head_dim)
                for j in range(i + 1)
            ]
            heads[i, h] = softmax_mean(scores, v[: i + 1])
    x = x + heads.flatten(1) @ block.attention_out.T + block.attention_out_bias
    normed = F.rms_norm(x, (arch.d_model,), block.feed_forward_norm, NORM_EPS)
    inner = F.gelu(normed @ block.feed_forward_in.T + block.feed_forward_in_bias)
    expected = x + inner @ block.feed_forward_out.T + block.feed_forward_out_bias
    actual = block(stream(arch.d_model), model.positions(0, LENGTH, x.device), None)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_palm_adds_attention_and_feed_forward_of_one_norm() -> None:
    # Chowdhery et al. 2022, section 2: y = x + MLP(LayerNorm(x)) + Attention(LayerNorm(x)), one head of keys and values
    model = shaken("palm")
    arch, block = model.arch, model.blocks[0]
    x = stream(arch.d_model)
    normed = ((x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + NORM_EPS).sqrt())[0]
    projected = (normed @ block.attention_in.T).view(1, LENGTH, -1, arch.head_dim)
    turned = rotate(projected, *rotary_table(LENGTH, arch.head_dim))[0]
    k, v = turned[:, arch.n_heads], projected[0, :, arch.n_heads + 1]
    heads = torch.zeros(LENGTH, arch.n_heads, arch.head_dim)
    for h in range(arch.n_heads):
        for i in range(LENGTH):
            scores = [turned[i, h] @ k[j] / math.sqrt(arch.head_dim) for j in range(i + 1)]
            heads[i, h] = softmax_mean(scores, v[: i + 1])
    gate, up = (normed @ block.feed_forward_in.T).chunk(2, dim=-1)
    inner = gate * torch.sigmoid(gate) * up
    expected = x + heads.flatten(1) @ block.attention_out.T + inner @ block.feed_forward_out.T
    actual = block(x, model.positions(0, LENGTH, x.device), None)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "gopher", "gpt", "gpt-rope", "palm"])
def test_the_final_norm_is_the_familys(family: str) -> None:
    model = shaken(family)
    with torch.no_grad():
        hidden = model.hidden(torch.randint(257, (1, 5)))
        for name in ("final_norm", "final_norm_bias"):
            if hasattr(model, name):
                getattr(model, name).fill_(1.0 if name == "final_norm" else 0.0)
        hidden = model.hidden(torch.randint(257, (1, 5)))
    assert hidden.square().mean(-1).tolist() == [pytest.approx([1.0] * 5, rel=1e-3)]
    centred = family in ("gpt", "gpt-rope", "palm")  # LayerNorm; RMSNorm leaves the mean
    assert (hidden.mean(-1).abs().max().item() < 1e-5) == centred
