"""The layers of the families: one class each, its parameters created from the tensor list of the Architecture."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import NORM_EPS, Architecture, TensorShape
from isoflop.train.attention import KeyValueCache, causal_attention, relative_attention, rotate
from isoflop.train.cpu.heads import rotary_heads
from isoflop.train.cpu.norms import add_rms_norm, rms_norm
from isoflop.train.cpu.ops import gelu_tanh, swiglu, use_fused
from isoflop.train.experts import balance_loss, mixed, route

Positions = tuple[Tensor, ...]


def rms_norm_without_bias(x: Tensor, gain: Tensor | None, bias: Tensor | None) -> Tensor:
    """RMSNorm over the last dimension; `bias` is ignored, so that all norms have one signature."""
    del bias
    return rms_norm(x, gain)


def layer_norm(x: Tensor, gain: Tensor | None, bias: Tensor | None) -> Tensor:
    """LayerNorm over the last dimension (Ba et al. 2016, 1607.06450); without gain or bias it only standardises."""
    return F.layer_norm(x, (x.shape[-1],), gain, bias, NORM_EPS)


class Block(nn.Module):
    """One layer, pre-norm: its parameters are those of `tensors`, registered under the last part of their names.

    In every family x is the residual stream (batch, T, d_model), which attention and feed-forward add to.
    """

    attention_in: Tensor
    position_kind: ClassVar[Literal["rotary", "relative", "learned"]] = "rotary"
    """What `forward` receives: rotary tables, the table of distances, or nothing where positions are embedded."""
    norm = staticmethod(rms_norm_without_bias)
    """(x, gain, bias) -> x normalised over its last dimension; also the norm at the end of the model."""

    def __init__(self, arch: Architecture, tensors: list[TensorShape]) -> None:
        super().__init__()
        self.arch = arch
        for tensor in tensors:
            self.register_parameter(tensor.name.rsplit(".", 1)[1], nn.Parameter(torch.empty(tensor.shape)))

    def project(self, x: Tensor) -> Tensor:
        """Queries, keys and values of normalised x: (batch, T, d_model) -> (batch, T, heads of all three, head_dim)."""
        weights = F.linear(x, self.attention_in, getattr(self, "attention_in_bias", None))
        return weights.view(*x.shape[:2], -1, self.arch.head_dim)

    def rotary_qkv(self, x: Tensor, positions: Positions, gain: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of normalised x, each (batch, heads, T, head_dim), queries and keys rotated.

        With a `gain` (heads of queries and keys, head_dim) queries and keys are RMS-normed by head before the rotation
        (Henry et al. 2020, 2010.04245), which bounds attention logits. Values get neither.
        """
        arch, qkv = self.arch, self.project(x)
        if use_fused(qkv):
            return rotary_heads(qkv, arch.n_heads, positions[0], positions[1], gain)
        qk, v = torch.split(qkv, [arch.n_heads + arch.n_kv_heads, arch.n_kv_heads], dim=2)
        if gain is not None:
            # the gain differs by head, so that it cannot be the norm's own, which is one row for all
            qk = rms_norm(qk, None) * gain
        q, k = torch.split(rotate(qk, *positions).transpose(1, 2), [arch.n_heads, arch.n_kv_heads], dim=1)
        return q, k, v.transpose(1, 2)

    def enter(self, x: Tensor) -> Tensor:
        """The normalised x that heads and feed-forward read: x itself, and in `SplitBlock` where gradients are summed.

        The operator f of Shoeybi et al. 2019 (1909.08053), section 3: identity forward, all-reduce backward.
        """
        return x

    def write(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """What heads or feed-forward add to the stream, x weight^T + bias; in `SplitBlock` the sum over processes.

        The operator g of Shoeybi et al. 2019 (1909.08053), section 3: all-reduce forward, identity backward.
        """
        return F.linear(x, weight, bias)

    def reduce(self, part: Tensor) -> Tensor:
        """What a layer adds to the stream, of the part that this process has of it; in `SplitBlock` their sum."""
        return part

    def attend(self, q: Tensor, k: Tensor, v: Tensor, cache: KeyValueCache | None) -> Tensor:
        """Causal attention of q (batch, heads, T, head_dim) over k, v and the cache's: (batch, T, heads x head_dim)."""
        if cache is not None:
            k, v = cache.extend(k, v)
        return causal_attention(q, k, v).transpose(1, 2).flatten(2)


class LlamaBlock(Block):
    """RMSNorm, query-key norm unless the shape lacks it, rotary positions, SwiGLU (Touvron et al. 2023, 2302.13971).

    h = x + W_o attention(norm(x)), then h + W_down (silu(W_gate n) * W_up n) with n = norm(h).
    """

    attention_norm: Tensor
    query_norm: Tensor
    key_norm: Tensor
    attention_out: Tensor
    feed_forward_norm: Tensor
    feed_forward_in: Tensor
    feed_forward_out: Tensor

    def forward(self, x: Tensor, positions: Positions, cache: KeyValueCache | None) -> Tensor:
        """(batch, T, d_model) -> (batch, T, d_model)."""
        arch = self.arch
        gain = None
        if hasattr(self, "query_norm"):
            # one gain for all query heads and one for all key heads, expanded for one norm over both
            gain = torch.cat([self.query_norm.expand(arch.n_heads, -1), self.key_norm.expand(arch.n_kv_heads, -1)])
        q, k, v = self.rotary_qkv(self.enter(rms_norm(x, self.attention_norm)), positions, gain)
        heads = self.write(self.attend(q, k, v, cache), self.attention_out)
        # the sum and the norm of it in one operation: the stream is read once
        x, normed = add_rms_norm(x, heads, self.feed_forward_norm)
        return x + self.feed_forward(normed)

    def feed_forward(self, normed: Tensor) -> Tensor:
        """What the feed-forward adds to the stream, of its norm."""
        inner = F.linear(self.enter(normed), self.feed_forward_in)  # (batch, T, gate and up: 2 d_ff)
        return self.write(swiglu(inner), self.feed_forward_out)


class MoeBlock(LlamaBlock):
    """The llama layer with routed experts for its feed-forward, and shared ones that every token passes.

    h = x + W_o attention(norm(x)), then h + shared(n) + sum over a token's experts of weight x expert(n), n = norm(h).
    """

    router: Tensor
    processes: int = 1
    """Processes that split this layer, each with columns of every expert."""
    balance: Tensor | None = None
    """`balance_loss` of the last forward pass whose gradient is wanted, this process's share of it."""

    def feed_forward(self, normed: Tensor) -> Tensor:
        """What the experts add to the stream, of its norm."""
        arch, x = self.arch, self.enter(normed)
        tokens = x.flatten(0, 1)
        logits = F.linear(tokens, self.router)
        weights, chosen = route(logits, arch.active_experts or 0)
        names = [f"expert_{number}" for number in range(arch.n_experts or 0)]
        experts = [(getattr(self, name + "_in"), getattr(self, name + "_out")) for name in names]
        added = mixed(tokens, weights, chosen, experts).view_as(x)
        if torch.is_grad_enabled():
            # each of the processes computes the whole of it, and their gradients are summed
            self.balance = balance_loss(logits, chosen, len(x)) / self.processes
        if hasattr(self, "feed_forward_in"):
            added = added + F.linear(swiglu(F.linear(x, self.feed_forward_in)), self.feed_forward_out)
        return self.reduce(added)


def balance_of(block: nn.Module) -> Tensor:
    """What balances the experts of a layer, of its last forward pass."""
    assert isinstance(block, MoeBlock), "a family with a balance loss has layers of experts"
    assert block.balance is not None, "no forward pass with gradients came before"
    return block.balance


class GopherBlock(Block):
    """RMSNorm, relative positions of Transformer-XL, GELU, biases (Rae et al. 2021, 2112.11446, section 2.1)."""

    position_kind = "relative"
    attention_norm: Tensor
    relative_key: Tensor
    content_bias: Tensor
    position_bias: Tensor
    attention_out: Tensor
    attention_out_bias: Tensor
    feed_forward_norm: Tensor
    feed_forward_in: Tensor
    feed_forward_in_bias: Tensor
    feed_forward_out: Tensor
    feed_forward_out_bias: Tensor

    def forward(self, x: Tensor, positions: Positions, cache: KeyValueCache | None) -> Tensor:
        """(batch, T, d_model) -> (batch, T, d_model)."""
        arch = self.arch
        qkv = self.project(self.enter(rms_norm(x, self.attention_norm))).transpose(1, 2)
        q, k, v = torch.split(qkv, [arch.n_heads, arch.n_kv_heads, arch.n_kv_heads], dim=1)
        # W_q u and W_q v: the biases have the width of the residual stream, see arch/families/gopher.py. Products and a
        # sum, not a matrix product over tokens: no FLOP account charges them.
        query_weight = self.attention_in[: arch.attention_width]
        content = (query_weight * self.content_bias).sum(-1).view(arch.n_heads, 1, arch.head_dim)
        position = (query_weight * self.position_bias).sum(-1).view(arch.n_heads, 1, arch.head_dim)
        if cache is not None:
            k, v = cache.extend(k, v)
        # the table runs from the longest distance seen down to 0; the last S rows are distances S - 1 to 0
        distances = positions[0][positions[0].shape[0] - k.shape[2] :]
        # W_kR R of Dai et al. 2019: (S, d_model) -> (heads, S, head_dim), the same for every sequence
        r = F.linear(distances, self.relative_key).view(-1, arch.n_heads, arch.head_dim).transpose(0, 1)
        group = arch.n_heads // arch.n_kv_heads
        # grouped heads are written out: the scores by distance are per query head
        if group > 1:
            k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        heads = relative_attention(q + content, k, v, r, q + position).transpose(1, 2)
        heads = self.write(heads.reshape(*x.shape[:2], -1), self.attention_out, self.attention_out_bias)
        x, normed = add_rms_norm(x, heads, self.feed_forward_norm)
        inner = F.linear(self.enter(normed), self.feed_forward_in, self.feed_forward_in_bias)
        return x + self.write(F.gelu(inner), self.feed_forward_out, self.feed_forward_out_bias)


class GptBlock(Block):
    """LayerNorm, GELU in the approximation by tanh of GPT-2 and Megatron, biases; positions are embedded."""

    position_kind: ClassVar[Literal["rotary", "relative", "learned"]] = "learned"
    norm = staticmethod(layer_norm)
    attention_norm: Tensor
    attention_norm_bias: Tensor
    attention_out: Tensor
    attention_out_bias: Tensor
    feed_forward_norm: Tensor
    feed_forward_norm_bias: Tensor
    feed_forward_in: Tensor
    feed_forward_in_bias: Tensor
    feed_forward_out: Tensor
    feed_forward_out_bias: Tensor

    def forward(self, x: Tensor, positions: Positions, cache: KeyValueCache | None) -> Tensor:
        """(batch, T, d_model) -> (batch, T, d_model)."""
        q, k, v = self.qkv(self.enter(self.norm(x, self.attention_norm, self.attention_norm_bias)), positions)
        x = x + self.write(self.attend(q, k, v, cache), self.attention_out, self.attention_out_bias)
        normed = self.enter(self.norm(x, self.feed_forward_norm, self.feed_forward_norm_bias))
        inner = gelu_tanh(F.linear(normed, self.feed_forward_in, self.feed_forward_in_bias))
        return x + self.write(inner, self.feed_forward_out, self.feed_forward_out_bias)

    def qkv(self, x: Tensor, positions: Positions) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of normalised x, each (batch, heads, T, head_dim)."""
        del positions
        arch, qkv = self.arch, self.project(x).transpose(1, 2)
        q, k, v = torch.split(qkv, [arch.n_heads, arch.n_kv_heads, arch.n_kv_heads], dim=1)
        return q, k, v


class GptRopeBlock(GptBlock):
    """The same layer with rotary positions, and no table of positions."""

    position_kind = "rotary"

    def qkv(self, x: Tensor, positions: Positions) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of normalised x, queries and keys rotated."""
        return self.rotary_qkv(x, positions, None)


class PalmBlock(Block):
    """LayerNorm without gain or bias, attention and SwiGLU in parallel, rotary positions.

    x + W_o attention(n) + W_down swiglu(n) with one n = norm(x) (Chowdhery et al. 2022, 2204.02311, section 2): both
    read the same input, so that tensor parallelism needs one all-reduce a layer instead of two.
    """

    norm = staticmethod(layer_norm)
    attention_out: Tensor
    feed_forward_in: Tensor
    feed_forward_out: Tensor

    def forward(self, x: Tensor, positions: Positions, cache: KeyValueCache | None) -> Tensor:
        """(batch, T, d_model) -> (batch, T, d_model)."""
        normed = self.enter(self.norm(x, None, None))
        q, k, v = self.rotary_qkv(normed, positions, None)
        attention = self.write(self.attend(q, k, v, cache), self.attention_out)
        return x + attention + self.write(swiglu(F.linear(normed, self.feed_forward_in)), self.feed_forward_out)


BLOCKS: dict[str, type[Block]] = {
    "llama": LlamaBlock,
    "gopher": GopherBlock,
    "gpt": GptBlock,
    "gpt-rope": GptRopeBlock,
    "palm": PalmBlock,
    "moe": MoeBlock,
}
"""{family: its layer}. Extensible: a family defined elsewhere adds its entry, see docs/adding-a-family.md."""
