"""Every fused operation equals its definition, forward and backward, within float32 rounding."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from isoflop.arch import NORM_EPS
from isoflop.train.attention import causal_attention, rotary_table, rotate
from isoflop.train.blocks import BLOCKS
from isoflop.train.cpu import heads, norms, ops
from train.models import shaken

pytest.importorskip("numba", reason="without Numba every operation is its definition")

TARGETS = torch.randint(257, (37,), generator=torch.Generator().manual_seed(0))


def rotary(qkv: Tensor, gain: Tensor | None = None, n_heads: int = 3) -> Tensor:
    """Queries, keys and values of two key heads, in one tensor."""
    cos, sin = rotary_table(qkv.shape[1], qkv.shape[3])
    if ops.use_fused(qkv):
        return torch.cat(heads.rotary_heads(qkv, n_heads, cos, sin, gain), dim=1)
    turning = (qkv.shape[2] + n_heads) // 2
    qk, v = qkv[:, :, :turning], qkv[:, :, turning:]
    if gain is not None:
        qk = torch.nn.functional.rms_norm(qk, (qk.shape[-1],), None, NORM_EPS) * gain
    return torch.cat([rotate(qk, cos, sin), v], dim=2).transpose(1, 2)


OPERATIONS: dict[str, tuple[Callable[..., Tensor], list[tuple[int, ...]]]] = {
    "rms_norm": (norms.rms_norm, [(2, 5, 23), (23,)]),
    "rms_norm_without_gain": (lambda x: norms.rms_norm(x, None), [(2, 5, 23)]),
    "add_rms_norm": (lambda *inputs: torch.stack(norms.add_rms_norm(*inputs)), [(3, 7, 40), (3, 7, 40), (40,)]),
    "swiglu": (ops.swiglu, [(3, 5, 2 * 37)]),
    "gelu_tanh": (ops.gelu_tanh, [(3, 5, 37)]),
    "nats": (lambda logits: ops.nats(logits, TARGETS), [(37, 257)]),
    "rotary": (rotary, [(2, 9, 7, 10)]),
    "rotary_with_norm": (rotary, [(2, 9, 7, 10), (5, 10)]),
    "attention": (causal_attention, [(2, 3, 300, 10)] * 3),
    "attention_of_many_heads": (causal_attention, [(3, 40, 130, 4)] * 3),
    "attention_of_one_token": (causal_attention, [(2, 3, 1, 10)] * 3),
}


def value_and_gradients(operation: Callable[..., Tensor], inputs: list[Tensor], along: Tensor | None) -> list[Tensor]:
    inputs = [x.clone().requires_grad_() for x in inputs]
    value = operation(*inputs)
    value.backward(torch.ones_like(value) if along is None else along)
    return [value.detach(), *(x.grad for x in inputs if x.grad is not None)]


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_its_definition(name: str, scale: float) -> None:
    operation, shapes = OPERATIONS[name]
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(shape, generator=generator) * scale for shape in shapes]
    actual = operation(*inputs)
    assert actual.dtype == torch.float32
    along = torch.randn(actual.shape, generator=generator)
    actual_all = value_and_gradients(operation, inputs, along)
    # the definition in double precision: an error above float32 rounding is a mistake
    exact = value_and_gradients(operation, [x.double() for x in inputs], along.double())
    with ops.reference_ops():
        rounded = value_and_gradients(operation, inputs, along)
    for mine, theirs, true in zip(actual_all, rounded, exact, strict=True):
        size = true.abs().max().item()
        # a few roundings of float32, of the largest number that goes into a sum; or thrice what the definition loses
        limit = max(2e-6 * size, 3 * (theirs - true).abs().max().item())
        assert (mine - true).abs().max().item() <= limit


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_inputs_that_are_not_contiguous(name: str) -> None:
    operation, shapes = OPERATIONS[name]
    inputs = [torch.randn((*shape[:-1], 2 * shape[-1]))[..., ::2] for shape in shapes]
    actual = operation(*inputs)
    along = torch.randn((*actual.shape[:-1], 3 * actual.shape[-1]))[..., ::3]
    apart = value_and_gradients(operation, inputs, along)
    whole = value_and_gradients(operation, [x.contiguous() for x in inputs], along.contiguous())
    for one, other in zip(apart, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_not_finite_stays_so(name: str, bad: float) -> None:
    """A diverged run is recognised by its loss: what is not finite in the definition must not become finite."""
    operation, shapes = OPERATIONS[name]
    inputs = [torch.randn(shape) for shape in shapes]
    inputs[0].view(-1)[3] = bad
    actual = operation(*inputs)
    with ops.reference_ops():
        expected = operation(*inputs)
    assert not (actual.isfinite() & ~expected.isfinite()).any()


@pytest.mark.parametrize("family", BLOCKS)
def test_a_model_of_fused_operations_is_the_model(family: str) -> None:
    model, tokens = shaken(family), torch.randint(257, (3, 34))
    loss, _ = model.objective(tokens, 1e-4)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad(set_to_none=True)
    with ops.reference_ops():
        defined, _ = model.objective(tokens, 1e-4)
        defined.backward()
    assert loss.item() == pytest.approx(defined.item(), rel=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_reference_operations_are_used_where_they_must_be() -> None:
    x = torch.randn(2, 3)
    assert ops.use_fused(x)
    assert not ops.use_fused(x.double())
    assert not ops.use_fused(x.to("meta"))
    with torch.autocast("cpu", torch.bfloat16):
        assert not ops.use_fused(x)
    with ops.reference_ops():
        assert not ops.use_fused(x)
    assert ops.use_fused(x)
