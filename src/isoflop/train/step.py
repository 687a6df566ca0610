"""One optimiser step, in as many parts as the memory wants."""

from __future__ import annotations

import torch

from isoflop.corpus import TokenBatches
from isoflop.train.device import forward_in, kind_of, rows_on
from isoflop.train.memory import halve_micro_batch, is_out_of_memory
from isoflop.train.optim import ClippedAdamW, set_lr
from isoflop.train.state import Number, TrainState


def optimise(state: TrainState, batches: TokenBatches) -> tuple[Number, Number]:
    """One optimiser step on the next batch; returns its loss in nats and its gradient norm, unclipped.

    The gradient is that of the mean over the whole batch, whoever takes which sequences of it and how many at a time.
    Where memory runs out it is begun anew with half as many at a time. Raises as `memory.halve_micro_batch`.
    """
    spec, optimizer = state.spec, state.optimizer
    # The rate at the middle of the step's tokens: the first step is not lost to a rate of 0.
    token = state.tokens + spec.batch_tokens / 2
    factor = spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)
    set_lr(optimizer, spec.peak_lr * factor)
    while True:
        said = ""
        try:
            loss = gradient(state, batches)
            break
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            said = (str(error).splitlines() or [type(error).__name__])[0]
        # here, since the error holds on to all that its frames had computed
        optimizer.zero_grad(set_to_none=True)
        halve_micro_batch(state, said)
    if state.group.size == 1:
        assert isinstance(optimizer, ClippedAdamW)
        norm = optimizer.clipped_step(spec.optimizer.clip_norm)
        return loss, norm if isinstance(loss, torch.Tensor) else norm.item()
    from isoflop.train.parallel import clip

    (everywhere,) = state.group.all_reduce_sum(float(loss))
    clipped = clip(state.model, spec.optimizer.clip_norm, state.group)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    # each of a tensor group has counted the same sequences
    return everywhere / state.group.layout.tensor, clipped


def gradient(state: TrainState, batches: TokenBatches) -> Number:
    """Leave the gradient of the next batch in the parameters; returns this process's part of the loss in nats."""
    spec, model, group = state.spec, state.model, state.group
    sequences = spec.batch_tokens // spec.seq_len
    at_once = kind_of(group.device) == "cpu"
    total: Number = 0.0
    for first, last in group.micro_batches(sequences):
        # a process without a share takes part all the same, with a weight of 0: the others gather its shards
        count = max(1, last - first)
        rows = rows_on(group.device, batches.sequences(state.step * sequences + first, count))
        with forward_in(group.products, group.device):
            minimised, loss = model.objective(rows, spec.z_loss)
        share = (last - first) / sequences
        minimised.backward(torch.full_like(minimised, share))  # type: ignore[no-untyped-call]
        total = total + share * (loss.item() if at_once else loss.detach().double())
    return total
