"""Routed experts: which ones a token uses, their products on the tokens sorted by expert, and what balances them.

Routing is Mixtral's: the k largest of the router's logits, weighed by a softmax over these (Jiang et al. 2024,
2401.04088, section 2.1). No token is dropped and no expert has a capacity. Every sum has one order, on every device:
tokens are sent and brought back by permutations, whose gradients are permutations too.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.train.cpu.ops import swiglu


def route(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    """(weights, experts), each (tokens, active), of the router's `logits` (tokens, experts); weights sum to 1."""
    largest, chosen = _wide(logits).topk(active, dim=-1)
    return largest.softmax(-1), chosen


def mixed(x: Tensor, weights: Tensor, chosen: Tensor, experts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The sum over a token's experts of weight x W_out swiglu(W_in x): (tokens, d_model), as `x` has it.

    `experts` are (W_in (2 d_ff, d_model), W_out (d_model, d_ff)) of each; `chosen` (tokens, active) are their numbers.
    """
    tokens, active = chosen.shape
    of_pair = chosen.flatten()
    order = of_pair.argsort(stable=True)
    counts = torch.bincount(of_pair, minlength=len(experts)).tolist()
    # (token, expert) pairs, a copy of the token each: the gradient of a copy is a sum over k, in their order
    pairs = x[:, None].expand(-1, active, -1).reshape(tokens * active, -1)
    sent = torch.split(pairs[order], counts)
    outputs = [F.linear(swiglu(F.linear(some, into)), out) for some, (into, out) in zip(sent, experts, strict=True)]
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=order.device)
    returned = torch.cat(outputs)[back].view(tokens, active, -1)
    return (returned * weights.to(returned.dtype)[..., None]).sum(1)


def balance_loss(logits: Tensor, chosen: Tensor, sequences: int) -> Tensor:
    """E sum_e f_e P_e, a scalar: 1 where every sequence uses all experts equally, more where it does not.

    f_e is the share of a sequence's choices that fell on expert e, P_e its mean probability (Fedus et al. 2022,
    2101.03961, section 2.2), by sequence as in DeepSeek-AI 2024 (2412.19437), section 2.1.2: then the mean over a batch
    is the same however the batch is divided into micro-batches and over processes.
    """
    experts = logits.shape[-1]
    probability = _wide(logits).softmax(-1).view(sequences, -1, experts).mean(1)
    flat = chosen.view(sequences, -1)
    share = torch.zeros(sequences, experts, device=flat.device)
    share = share.scatter_add_(1, flat, torch.ones_like(flat, dtype=share.dtype)) / flat.shape[1]
    return experts * (share * probability).sum(-1).mean()


def _wide(logits: Tensor) -> Tensor:
    """`logits` in at least 32 bits."""
    return logits if logits.dtype == torch.float64 else logits.float()
