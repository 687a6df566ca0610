"""What PyTorch stores for the backward pass, measured, against the account of arch/activations.py."""

from __future__ import annotations

import pytest
import torch

from isoflop.arch import FAMILIES, Architecture
from isoflop.arch.activations import layer_values
from isoflop.arch.layout import MIXED
from isoflop.train.blocks import BLOCKS
from isoflop.train.cpu.ops import reference_ops
from isoflop.train.model import build

SEQ_LEN, BATCH = 64, 4


def shape(family: str, n_layers: int, **changes: int) -> Architecture:
    values = {"n_layers": n_layers, "d_model": 64, "n_heads": 4, "head_dim": 16, "d_ff": 256, "vocab_size": 257}
    return Architecture(
        family=family,
        n_kv_heads=1 if FAMILIES[family].multi_query else 4,
        tied_embedding=True,
        **FAMILIES[family].own_fields(SEQ_LEN),
        **{**values, **changes},
    )


def kept_values(arch: Architecture) -> float:
    """Distinct float32 values per token that a forward pass stores for the backward pass, without weights."""
    model = build(arch)
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    tokens = torch.randint(arch.vocab_size, (BATCH, SEQ_LEN + 1))
    # as on an accelerator, which the account describes
    with reference_ops(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(tokens).mean()
    assert loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / 4 / (BATCH * SEQ_LEN)


@pytest.mark.parametrize("family", BLOCKS)
def test_a_layer_stores_what_the_account_says_and_unfused_parts_in_addition(family: str) -> None:
    one, two = (kept_values(shape(family, n_layers)) for n_layers in (1, 2))
    arch = shape(family, 1)
    measured, counted = two - one, layer_values(arch)
    if family == "gopher":
        # relative attention stores its scores twice, before and after the softmax
        measured -= 2 * arch.n_heads * SEQ_LEN
    # a gate stores its sigmoid's product, a norm without a fused kernel its normalised input, a rotation its halves
    most = {"gpt": 1.02, "gpt-rope": 1.4, "gopher": 1.02, "llama": 1.4, "palm": 1.4, "moe": 1.4}[family]
    assert counted <= measured <= most * counted


def test_the_logits_are_stored_once_before_their_gradient() -> None:
    small, large = (kept_values(shape("gpt", 1, vocab_size=vocab)) for vocab in (257, 1257))
    assert large - small == pytest.approx(1000, rel=0.01)


def test_a_logit_takes_twelve_bytes_when_most_of_them_are_alive() -> None:
    tokens, vocab = 256, 4096
    logits = torch.randn(tokens, vocab, dtype=torch.bfloat16, requires_grad=True)
    targets = torch.randint(vocab, (tokens,))
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, profile_memory=True) as profile:
        torch.nn.functional.cross_entropy(logits.float(), targets).backward()
    alive, most = 0, 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            alive += event.nbytes()
            most = max(most, alive)
    assert most / (tokens * vocab) == pytest.approx(MIXED.logits, rel=0.01)
