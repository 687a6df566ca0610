"""The models, built from the tensor list of their Architecture.

Every parameter is created from `Architecture.tensors()`, name by name, so account and module cannot drift apart.
Building happens on the meta device (seconds at any size); `initialise` then fills the tensors in place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it
from torch.utils.checkpoint import checkpoint

from isoflop.arch import Architecture, TensorShape, family_named
from isoflop.errors import InputError
from isoflop.train.attention import KeyValueCache, relative_table, rotary_table
from isoflop.train.blocks import BLOCKS, Positions, balance_of
from isoflop.train.cpu.ops import nats


class LanguageModel(nn.Module):
    """Tokens in, logits or loss out."""

    embedding: Tensor
    position_embedding: Tensor
    output_head: Tensor
    recompute: bool
    """Whether the backward pass recomputes each layer from its input (Chen et al. 2016, 1604.06174)."""

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
        self.kind = BLOCKS[arch.family]
        self.recompute = False
        self.blocks = nn.ModuleList(self.kind(arch, tensors) for tensors in of_blocks)
        self._positions: Positions = ()

    def positions(self, start: int, end: int, device: torch.device) -> Positions:
        """Constant position tables for tokens start to end - 1; computed once for the longest sequence so far."""
        kind = self.kind.position_kind
        if kind == "learned":
            return ()
        if not self._positions or self._positions[0].shape[0] < end or self._positions[0].device != device:
            if kind == "rotary":
                self._positions = rotary_table(end, self.arch.head_dim, device)
            else:
                self._positions = (relative_table(end, self.arch.d_model, device),)
        if kind == "rotary":
            return tuple(table[start:end] for table in self._positions)
        # relative: the whole table, of which a block takes the last rows, since its columns count back from the query
        return self._positions

    def embed(self, tokens: Tensor) -> Tensor:
        """The rows of the embedding, (batch, T) -> (batch, T, d_model); `SplitVocabulary` sums them over processes."""
        return F.embedding(tokens, self.embedding)

    def enter(self, x: Tensor) -> Tensor:
        """What the head reads: x itself; `SplitVocabulary` sums its gradients over processes."""
        return x

    def log_z(self, logits: Tensor) -> Tensor:
        """ln Z, Z the sum of the softmax: (batch, T, vocab_size) -> (batch, T), in float32 whatever the logits are."""
        return logits.float().logsumexp(-1)

    def nats(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats of each of `targets` (batch, T), in their shape."""
        return nats(logits.flatten(0, 1), targets.flatten()).view(targets.shape)

    def hidden(self, tokens: Tensor, caches: list[KeyValueCache] | None = None) -> Tensor:
        """(batch, T) token ids -> (batch, T, d_model), normalised for the output head.

        With caches the tokens follow those in them. Raises InputError beyond the table of learned positions.
        """
        start = caches[0].length if caches else 0
        end = start + tokens.shape[1]
        positions = self.positions(start, end, tokens.device)
        x = self.embed(tokens)
        if self.arch.n_positions is not None:
            if end > self.arch.n_positions:
                raise InputError(f"tokens: expected at most {self.arch.n_positions}, the positions learned, got {end}")
            x = x + self.position_embedding[start:end]
        for index, block in enumerate(self.blocks):
            if self.recompute and torch.is_grad_enabled():
                # no dropout: there is no random state to restore for the second forward pass
                x = checkpoint(block, x, positions, None, use_reentrant=False, preserve_rng_state=False)
            else:
                x = block(x, positions, caches[index] if caches else None)
        # where the published count leaves no room for a last gain there is none, see arch/families/gopher.py
        return self.kind.norm(x, getattr(self, "final_norm", None), getattr(self, "final_norm_bias", None))

    def logits(self, tokens: Tensor, caches: list[KeyValueCache] | None = None) -> Tensor:
        """(batch, T) token ids -> (batch, T, vocab_size)."""
        head = self.embedding if self.arch.tied_embedding else self.output_head
        return F.linear(self.enter(self.hidden(tokens, caches)), head, getattr(self, "output_bias", None))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, T + 1) token ids -> (batch, T) nats of each next token."""
        return self.nats(self.logits(tokens[:, :-1]), tokens[:, 1:])

    def objective(self, tokens: Tensor, z_loss: float = 0.0) -> tuple[Tensor, Tensor]:
        """(what training minimises, mean nats of a next token) of (batch, T + 1) token ids, two scalars.

        They differ by z_loss times the mean of ln^2 Z, Z being the softmax's sum, which keeps ln Z near 0 so that
        logits do not drift (Chowdhery et al. 2022, 2204.02311, section 5), and by what balances experts.
        """
        logits = self.logits(tokens[:, :-1])
        nats = self.nats(logits, tokens[:, 1:]).mean()
        minimised = nats + z_loss * self.log_z(logits).square().mean() if z_loss else nats
        if weight := family_named(self.arch.family).balance_loss:
            minimised = minimised + weight * torch.stack([*map(balance_of, self.blocks)]).sum()
        return minimised, nats

    def caches(self, batch: int, capacity: int) -> list[KeyValueCache]:
        """Empty key-value caches, one per layer, for `batch` sequences of up to `capacity` tokens."""
        shape = (batch, self.arch.n_kv_heads, capacity, self.arch.head_dim)
        like = self.embedding
        return [KeyValueCache(keys=like.new_empty(shape), values=like.new_empty(shape)) for _ in self.blocks]


def build(arch: Architecture, *, device: str = "cpu", seed: int = 0) -> LanguageModel:
    """A model with initial weights that depend on the seed alone, not on the device or on sharding."""
    with torch.device("meta"):
        model = LanguageModel(arch)
    model.to_empty(device=device)
    initialise(model, seed)
    return model


def initialise(model: LanguageModel, seed: int) -> None:
    """Fill the parameters in place with `initial_tensors`."""
    with torch.no_grad():
        for tensor, values in initial_tensors(model.arch, seed):
            model.get_parameter(tensor.name).copy_(values)


def initial_tensors(arch: Architecture, seed: int) -> Iterator[tuple[TensorShape, Tensor]]:
    """Every tensor with its initial values, see `initial_std`; gains are 1 and biases 0.

    Drawn on the CPU in the order of the tensor list: the same weights on every device and number of devices.
    """
    generator = torch.Generator().manual_seed(seed)
    for tensor in arch.tensors():
        if tensor.role == "vectors":
            yield tensor, torch.full(tensor.shape, 1.0 if tensor.name.endswith("norm") else 0.0)
        else:
            yield tensor, torch.randn(tensor.shape, generator=generator) * initial_std(arch, tensor)


def initial_std(arch: Architecture, tensor: TensorShape) -> float:
    """Standard deviation of the initial weights of a matrix.

    1/sqrt(fan-in) inside; 0 for what writes into the residual stream (every block begins as the identity) and for an
    untied head (every token begins equally likely, as in Yang et al. 2022, 2203.03466). Measured at 4e11 FLOPs and 76k
    parameters, four seeds: zero output matrices instead of 1/sqrt(2 L fan-in) reduced the scatter between initial
    weights from 0.6 to 0.13 % of the loss, and the loss by 0.3 %.
    """
    if tensor.role == "embedding":
        # tied, it is the output head too: logits of the normalised stream start at a standard deviation of 0.3
        return 0.3 / math.sqrt(arch.d_model) if arch.tied_embedding else 1.0
    if tensor.role == "output_head" or tensor.name.endswith("_out"):
        return 0.0
    return 1 / math.sqrt(tensor.shape[1])
