"""The models, built from the tensor list of their Architecture.

Every parameter is created from `Architecture.tensors()`, name by name, so account and module cannot drift apart.
Building happens on the meta device (seconds at any size); `initialise` then fills the tensors in place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import Architecture, TensorShape
from isoflop.errors import InputError
from isoflop.train.attention import (
    NORM_EPS,
    KeyValueCache,
    causal_attention,
    relative_attention,
    relative_table,
    rotary_table,
    rotate,
)

Positions = tuple[Tensor, ...]


class Block(nn.Module):
    """One layer: its parameters are those of `tensors`, registered under the last part of their names."""

    attention_in: Tensor

    def __init__(self, arch: Architecture, tensors: list[TensorShape]) -> None:
        super().__init__()
        self.arch = arch
        for tensor in tensors:
            self.register_parameter(tensor.name.rsplit(".", 1)[1], nn.Parameter(torch.empty(tensor.shape)))

    def project(self, x: Tensor) -> Tensor:
        """Queries, keys and values of normed x, (batch, T, heads of all three, head_dim)."""
        return F.linear(x, self.attention_in).view(*x.shape[:2], -1, self.arch.head_dim)


class LlamaBlock(Block):
    """RMSNorm, query-key norm, rotary positions, SwiGLU."""

    attention_norm: Tensor
    query_norm: Tensor
    key_norm: Tensor
    attention_out: Tensor
    feed_forward_norm: Tensor
    feed_forward_in: Tensor
    feed_forward_out: Tensor

    def forward(self, x: Tensor, positions: Positions, cache: KeyValueCache | None) -> Tensor:
        """(batch, T, d_model) -> the same."""
        arch, width = self.arch, (self.arch.d_model,)
        qkv = self.project(F.rms_norm(x, width, self.attention_norm, NORM_EPS))
        qk, v = torch.split(qkv, [arch.n_heads + arch.n_kv_heads, arch.n_kv_heads], dim=2)
        # Queries and keys are normed and turned in one tensor: half the operations of a small model's attention.
        gain = torch.cat([self.query_norm.expand(arch.n_heads, -1), self.key_norm.expand(arch.n_kv_heads, -1)])
        qk = rotate(F.rms_norm(qk, (arch.head_dim,), None, NORM_EPS) * gain, *positions)
        q, k = torch.split(qk.transpose(1, 2), [arch.n_heads, arch.n_kv_heads], dim=1)
        v = v.transpose(1, 2)
        if cache is not None:
            k, v = cache.extend(k, v)
        heads = causal_attention(q, k, v).transpose(1, 2).reshape(*x.shape[:2], arch.attention_width)
        x = x + F.linear(heads, self.attention_out)
        inner = F.linear(F.rms_norm(x, width, self.feed_forward_norm, NORM_EPS), self.feed_forward_in)
        gate, up = inner.chunk(2, dim=-1)
        return x + F.linear(F.silu(gate) * up, self.feed_forward_out)


class GopherBlock(Block):
    """RMSNorm, relative positions of Transformer-XL, GELU, biases."""

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
        """(batch, T, d_model) -> the same."""
        arch, width = self.arch, (self.arch.d_model,)
        qkv = self.project(F.rms_norm(x, width, self.attention_norm, NORM_EPS)).transpose(1, 2)
        q, k, v = torch.split(qkv, [arch.n_heads, arch.n_kv_heads, arch.n_kv_heads], dim=1)
        # W_q u: the biases live in the residual stream's width, see arch/gopher.py. Not a matmul over tokens.
        query_weight = self.attention_in[: arch.attention_width]
        content = (query_weight * self.content_bias).sum(-1).view(arch.n_heads, 1, arch.head_dim)
        position = (query_weight * self.position_bias).sum(-1).view(arch.n_heads, 1, arch.head_dim)
        if cache is not None:
            k, v = cache.extend(k, v)
        distances = positions[0][positions[0].shape[0] - k.shape[2] :]
        r = F.linear(distances, self.relative_key).view(-1, arch.n_heads, arch.head_dim).transpose(0, 1)
        group = arch.n_heads // arch.n_kv_heads
        if group > 1:
            k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        heads = relative_attention(q + content, k, v, r, q + position).transpose(1, 2)
        x = x + F.linear(heads.reshape(*x.shape[:2], -1), self.attention_out, self.attention_out_bias)
        inner = F.linear(
            F.rms_norm(x, width, self.feed_forward_norm, NORM_EPS), self.feed_forward_in, self.feed_forward_in_bias
        )
        return x + F.linear(F.gelu(inner), self.feed_forward_out, self.feed_forward_out_bias)


BLOCKS: dict[str, type[Block]] = {"llama": LlamaBlock, "gopher": GopherBlock}
"""One line a family; the shared account test runs over this table."""


class LanguageModel(nn.Module):
    """Tokens in, logits or loss out."""

    embedding: Tensor
    output_head: Tensor

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        if arch.family not in BLOCKS:
            raise InputError(f"family {arch.family!r} has no trainable module; expected one of {', '.join(BLOCKS)}")
        self.arch = arch
        of_blocks: list[list[TensorShape]] = [[] for _ in range(arch.n_layers)]
        for tensor in arch.tensors():
            if tensor.name.startswith("blocks."):
                of_blocks[int(tensor.name.split(".")[1])].append(tensor)
            else:
                self.register_parameter(tensor.name, nn.Parameter(torch.empty(tensor.shape)))
        self.blocks = nn.ModuleList(BLOCKS[arch.family](arch, tensors) for tensors in of_blocks)
        self._positions: Positions = ()

    def positions(self, start: int, end: int, device: torch.device) -> Positions:
        """Constant position tables for tokens start..end-1; computed once for the longest sequence seen."""
        rotary = self.arch.family != "gopher"
        if not self._positions or self._positions[0].shape[0] < end or self._positions[0].device != device:
            if rotary:
                self._positions = rotary_table(end, self.arch.head_dim, device)
            else:
                self._positions = (relative_table(end, self.arch.d_model, device),)
        if rotary:
            return tuple(table[start:end] for table in self._positions)
        return self._positions

    def hidden(self, tokens: Tensor, caches: list[KeyValueCache] | None = None) -> Tensor:
        """(batch, T) token ids -> (batch, T, d_model), normed for the output head."""
        start = caches[0].length if caches else 0
        positions = self.positions(start, start + tokens.shape[1], tokens.device)
        x = F.embedding(tokens, self.embedding)
        for index, block in enumerate(self.blocks):
            x = block(x, positions, caches[index] if caches else None)
        # gopher's count leaves no room for a last gain, see arch/gopher.py
        return F.rms_norm(x, (self.arch.d_model,), getattr(self, "final_norm", None), NORM_EPS)

    def logits(self, tokens: Tensor, caches: list[KeyValueCache] | None = None) -> Tensor:
        """(batch, T) token ids -> (batch, T, vocab_size)."""
        head = self.embedding if self.arch.tied_embedding else self.output_head
        return F.linear(self.hidden(tokens, caches), head, getattr(self, "output_bias", None))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, T + 1) token ids -> (batch, T) nats of each next token."""
        logits = self.logits(tokens[:, :-1])
        flat = F.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten(), reduction="none")
        return flat.view(tokens.shape[0], -1)

    def caches(self, batch: int, capacity: int) -> list[KeyValueCache]:
        """Empty key-value caches, one a layer, for `batch` sequences of up to `capacity` tokens."""
        shape = (batch, self.arch.n_kv_heads, capacity, self.arch.head_dim)
        like = self.embedding
        return [KeyValueCache(keys=like.new_empty(shape), values=like.new_empty(shape)) for _ in self.blocks]


def build(arch: Architecture, *, device: str = "cpu", seed: int = 0) -> LanguageModel:
    """A model with initial weights that depend on the seed alone, not on the device or on how it is sharded."""
    with torch.device("meta"):
        model = LanguageModel(arch)
    model.to_empty(device=device)
    initialise(model, seed)
    return model


def initialise(model: LanguageModel, seed: int) -> None:
    """Fill the parameters in place, see `initial_std`; gains are 1 and biases 0."""
    arch = model.arch
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in arch.tensors():
            parameter = model.get_parameter(tensor.name)
            if tensor.role == "vectors":
                parameter.fill_(1.0 if tensor.name.endswith("norm") else 0.0)
                continue
            # drawn on the CPU in the order of the tensor list: the same weights on every device
            parameter.copy_(torch.randn(tensor.shape, generator=generator) * initial_std(arch, tensor))


def initial_std(arch: Architecture, tensor: TensorShape) -> float:
    """Standard deviation of the initial weights of a matrix.

    1/sqrt(fan-in) inside; 0 for what writes into the residual stream (every block begins as the identity) and for an
    untied head (every token begins equally likely, as in Yang et al. 2022, 2203.03466). Measured at 4e11 FLOPs and 76k
    parameters, four seeds: zero output matrices instead of 1/sqrt(2 L fan-in) cut the scatter between initial
    weights from 0.6 to 0.13 % of the loss, and the loss by 0.3 %.
    """
    if tensor.role == "embedding":
        # tied, it is the output head too: logits of the normed stream start at a standard deviation of 0.3
        return 0.3 / math.sqrt(arch.d_model) if arch.tied_embedding else 1.0
    if tensor.role == "output_head" or tensor.name.endswith("_out"):
        return 0.0
    return 1 / math.sqrt(tensor.shape[1])
