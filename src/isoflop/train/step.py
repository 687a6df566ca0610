"""One optimiser step, in as many micro-batches as memory requires."""

from __future__ import annotations

import torch

from isoflop.corpus import TokenBatches
from isoflop.train.device import forward_in, kind_of, rows_on
from isoflop.train.memory import halve_micro_batch, is_out_of_memory
from isoflop.train.optim import ClippedAdamW, set_lr
from isoflop.train.state import Number, TrainState


def optimise(state: TrainState, batches: TokenBatches) -> tuple[Number, Number]:
    """One optimiser step on the next batch; returns its loss in nats and its gradient norm before clipping.

    The gradient is that of the mean over the whole batch, however it is divided over processes and micro-batches. When
    memory runs out, the step restarts with half the micro-batch. Raises as `memory.halve_micro_batch`.
    """
    spec, optimizer = state.spec, state.optimizer
    # the rate at the middle of the step's tokens: at their beginning the first step would have a rate of 0
    token = state.tokens + spec.batch_tokens / 2
    factor = spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)
    set_lr(optimizer, spec.peak_lr * factor)
    while True:
        try:
            loss = gradient(state, batches)
            break
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            message = (str(error).splitlines() or [type(error).__name__])[0]
        # outside the handler: the error's traceback keeps every tensor of the failed step alive until it ends
        optimizer.zero_grad(set_to_none=True)
        halve_micro_batch(state, message)
    if state.group.size == 1:
        assert isinstance(optimizer, ClippedAdamW)
        norm = optimizer.clipped_step(spec.optimizer.clip_norm)
        return loss, norm if isinstance(loss, torch.Tensor) else norm.item()
    from isoflop.train.parallel import clip

    # each process has the gradient of its share of the mean; FSDP has summed them in the backward pass
    (everywhere,) = state.group.all_reduce_sum(float(loss))
    clipped = clip(state.model, spec.optimizer.clip_norm, state.group)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    # every process of a tensor-parallel group has counted the same sequences
    return everywhere / state.group.layout.tensor, clipped


def gradient(state: TrainState, batches: TokenBatches) -> Number:
    """Accumulate the gradient of the next batch in the parameters; returns this process's part of the loss in nats."""
    spec, model, group = state.spec, state.model, state.group
    sequences = spec.sequences
    # a GPU's loss stays on it, in float64: reading its value would wait for all queued work
    on_cpu = kind_of(group.device) == "cpu"
    total: Number = 0.0
    for first, last in group.micro_batches(sequences):
        # A process without a share runs a sequence with a weight of 0: the gathers of FSDP are collectives, and the
        # others would wait for it.
        count = max(1, last - first)
        rows = rows_on(group.device, batches.sequences(state.step * sequences + first, count))
        with forward_in(group.products, group.device):
            minimised, loss = model.objective(rows, spec.z_loss)
        # The mean over the batch as a weighted sum over micro-batches: exact for unequal micro-batches and processes.
        # The weight is passed as the gradient of the objective, which spares a product.
        share = (last - first) / sequences
        minimised.backward(torch.full_like(minimised, share))  # type: ignore[no-untyped-call]
        total = total + share * (loss.item() if on_cpu else loss.detach().double())
    return total
