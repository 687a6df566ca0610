"""Validation loss of a model: the number that every fit is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isoflop.corpus import Corpus
from isoflop.train.model import LanguageModel
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup

METRIC_VERSION = 2
"""Raise it when the same weights would get another number: 1 = mean nats per token over non-overlapping windows from
the start of each domain's validation file; domains weighted by their validation tokens in the corpus. 2 = the same
nats; bits per byte by the bytes of the tokens that were scored, which the whole domain's stood for before."""
EVAL_BATCH_TOKENS = 4096
"""Tokens per forward pass: large enough to be fast on one core, small enough to stay in its cache."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Losses on the validation text."""

    loss_nats: float
    loss_se: float | None
    """Standard error over windows; None with a single window."""
    bits_per_byte: float
    domains: dict[str, dict[str, Any]]
    """{domain: {loss_nats, loss_se, bits_per_byte, tokens, bytes}}"""


def window_losses(
    model: LanguageModel, tokens: np.ndarray, seq_len: int, eval_tokens: int, group: ProcessGroup = SINGLE_PROCESS
) -> np.ndarray:
    """Mean nats per token of each window of the first `eval_tokens` of `tokens`, as a float64 vector.

    Of many processes each scores its share, and all know the whole.
    """
    count = max(1, min(eval_tokens, len(tokens) - 1) // seq_len)
    length = min(seq_len, len(tokens) - 1)
    starts = np.arange(count) * seq_len
    device = next(model.parameters()).device
    batch = max(1, EVAL_BATCH_TOKENS // seq_len)
    batch = min(batch, group.launch.micro_batch_sequences or batch)  # what training has found, or was told, to fit
    losses = np.zeros(count)
    model.eval()
    # Made before inference mode: its tensors could not be trained with afterwards.
    model.positions(0, length, device)
    with torch.inference_mode():
        for first, last in group.chunks(count, batch):
            # a process without a share takes part all the same: the others gather its shards
            some = starts[first:last] if last > first else starts[:1]
            windows = torch.from_numpy(tokens[some[:, None] + np.arange(length + 1)].astype(np.int64)).to(device)
            losses[first:last] = model(windows).double().mean(dim=1).cpu().numpy()[: last - first]
    model.train()
    return (
        np.array(group.all_reduce_sum(*losses)) / group.layout.tensor
    )  # each of a tensor-parallel group has scored the same windows


def evaluate(
    model: LanguageModel, corpus: Corpus, seq_len: int, eval_tokens: int, group: ProcessGroup = SINGLE_PROCESS
) -> Evaluation:
    """Loss on `eval_tokens` of every validation domain. bits per byte = nats / ln 2 x tokens per byte, as scored."""
    domains: dict[str, dict[str, Any]] = {}
    weights, variances, domain_bytes = {}, {}, {}
    for name, tokens in corpus.validation.items():
        losses = window_losses(model, tokens, seq_len, eval_tokens, group)
        variances[name] = float(losses.var(ddof=1) / len(losses)) if len(losses) > 1 else math.nan
        mean, scored = float(losses.mean()), len(losses) * min(seq_len, len(tokens) - 1)
        # the windows lie side by side, and their first token is no target
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
    variance = sum(share[name] ** 2 * variances[name] for name in share)
    loss = sum(share[name] * domains[name]["loss_nats"] for name in share)
    return Evaluation(
        loss_nats=loss,
        loss_se=math.sqrt(variance) if math.isfinite(variance) else None,
        bits_per_byte=loss / math.log(2) * total / sum(domain_bytes.values()),
        domains=domains,
    )
