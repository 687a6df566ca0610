"""Validation loss of a model: the value that every fit uses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from isoflop.corpus import Corpus
from isoflop.train.model import LanguageModel
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup

METRIC_VERSION = 2
"""Increase it when the same weights would get another value. 1: mean nats per token over non-overlapping windows from
the start of each domain's validation file; domains weighted by their validation tokens in the corpus. 2: the same nats;
bits per byte by the bytes of the scored tokens, where 1 took those of the whole domain."""
EVAL_BATCH_TOKENS = 4096
"""Tokens per forward pass: large enough to be fast on one core, small enough to stay in its cache."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Losses on the validation text."""

    loss_nats: float
    loss_se: float | None
    """Standard error over windows; None with a single window."""
    bits_per_byte: float
    domains: dict[str, dict[str, float | None]]
    """{domain: {loss_nats, loss_se, bits_per_byte, tokens, bytes}}; loss_se is None with a single window."""


def window_losses(
    model: LanguageModel, tokens: np.ndarray, seq_len: int, eval_tokens: int, group: ProcessGroup = SINGLE_PROCESS
) -> np.ndarray:
    """Mean nats per token of each window of the first `eval_tokens` of `tokens`, as a float64 vector.

    Each process scores its share; all return the whole.
    """
    count = max(1, min(eval_tokens, len(tokens) - 1) // seq_len)
    length = min(seq_len, len(tokens) - 1)
    starts = np.arange(count) * seq_len
    device = next(model.parameters()).device
    batch = max(1, EVAL_BATCH_TOKENS // seq_len)
    batch = min(batch, group.launch.micro_batch_sequences or batch)  # what is known to fit
    losses = np.zeros(count)
    model.eval()
    # cached before inference mode, whose tensors could not be used in training afterwards
    model.positions(0, length, device)
    with torch.inference_mode():
        for first, last in group.chunks(count, batch):
            # a process without a share scores a window all the same: the gathers of FSDP are collectives
            some = starts[first:last] if last > first else starts[:1]
            windows = torch.from_numpy(tokens[some[:, None] + np.arange(length + 1)].astype(np.int64)).to(device)
            losses[first:last] = model(windows).double().mean(dim=1).cpu().numpy()[: last - first]
    model.train()
    # every process of a tensor-parallel group has scored the same windows
    return np.array(group.all_reduce_sum(*losses)) / group.layout.tensor


def evaluate(
    model: LanguageModel, corpus: Corpus, seq_len: int, eval_tokens: int, group: ProcessGroup = SINGLE_PROCESS
) -> Evaluation:
    """Loss on `eval_tokens` of every validation domain, over all processes.

    Bits per byte are nats / ln 2 x tokens per byte, of the scored tokens (Gao et al. 2021, 2101.00027, section 3.1).
    """
    domains: dict[str, dict[str, float | None]] = {}
    means, weights, variances, domain_bytes = {}, {}, {}, {}
    for name, tokens in corpus.validation.items():
        losses = window_losses(model, tokens, seq_len, eval_tokens, group)
        variances[name] = float(losses.var(ddof=1) / len(losses)) if len(losses) > 1 else math.nan
        means[name] = mean = float(losses.mean())
        scored = len(losses) * min(seq_len, len(tokens) - 1)
        # windows are contiguous, and only the first token of all is no target
        scored_bytes = max(1.0, corpus.validation_bytes_of(name, 1, 1 + scored))
        domain_bytes[name] = len(tokens) * scored_bytes / scored
        domains[name] = {
            "loss_nats": mean,
            "loss_se": math.sqrt(variances[name]) if len(losses) > 1 else None,
            "bits_per_byte": mean / math.log(2) * scored / scored_bytes,
            "tokens": scored,
            "bytes": round(scored_bytes),
        }
        weights[name] = len(tokens)
    total = sum(weights.values())
    share = {name: weight / total for name, weight in weights.items()}
    # domains are independent samples with fixed weights; one domain of a single window leaves no standard error
    variance = sum(share[name] ** 2 * variances[name] for name in share)
    loss = sum(share[name] * means[name] for name in share)
    return Evaluation(
        loss_nats=loss,
        loss_se=math.sqrt(variance) if math.isfinite(variance) else None,
        bits_per_byte=loss / math.log(2) * total / sum(domain_bytes.values()),
        domains=domains,
    )
