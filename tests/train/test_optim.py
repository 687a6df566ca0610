"""Every parameter is trained once, at the rate and with the decay of its role."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isoflop.arch import ROLES
from isoflop.train.model import BLOCKS, LanguageModel
from isoflop.train.optim import build_optimizer, decays, lr_multiplier, set_lr
from train.models import OPTIMIZER, shaken

MULTIPLIERS = {"embedding": 8.0, "output_head": 4.0, "vectors": 2.0}


def group_of(model: LanguageModel, name: str, optimizer: torch.optim.AdamW) -> dict[str, object]:
    parameter = model.get_parameter(name)
    (actual,) = (g for g in optimizer.param_groups if any(p is parameter for p in g["params"]))
    return actual


@pytest.mark.parametrize("role", ROLES)
def test_rates_by_role(role: str) -> None:
    assert lr_multiplier(role, OPTIMIZER) == MULTIPLIERS.get(role, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", BLOCKS)
@pytest.mark.parametrize("tied", [False, True])
def test_every_parameter_is_in_one_group_with_its_rate_and_decay(family: str, tied: bool) -> None:
    model = shaken(family, tied=tied)
    optimizer = build_optimizer(model, OPTIMIZER)
    grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert {id(parameter) for parameter in grouped} == {id(parameter) for parameter in model.parameters()}
    assert len(grouped) == len(list(model.parameters()))
    set_lr(optimizer, 0.01)
    for tensor in model.arch.tensors():
        group = group_of(model, tensor.name, optimizer)
        assert group["lr"] == 0.01 * MULTIPLIERS.get(tensor.role, 1.0)
        # hidden matrices shrink; tables, the head and vectors do not
        hidden = tensor.role in ("attention", "feed_forward", "position")
        assert group["weight_decay"] == (0.5 if hidden else 0.0)
        assert decays(tensor) == hidden
        assert group["betas"] == (0.9, 0.95)
        assert group["eps"] == 1e-8


def test_before_a_rate_is_set_nothing_moves() -> None:
    model = shaken()
    before = [parameter.clone() for parameter in model.parameters()]
    optimizer = build_optimizer(model, OPTIMIZER)
    model(torch.randint(257, (2, 9))).mean().backward()
    optimizer.step()
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_decay_is_decoupled() -> None:
    # Loshchilov & Hutter 2019: without a gradient a decayed matrix shrinks by lr * decay a step, whatever the moments
    model = shaken()
    optimizer = build_optimizer(model, OPTIMIZER)
    set_lr(optimizer, 0.01)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for tensor in model.arch.tensors():
        shrunk = 1 - 0.01 * 0.5 if decays(tensor) else 1.0
        torch.testing.assert_close(model.get_parameter(tensor.name).detach(), before[tensor.name] * shrunk)


def test_a_step_is_adam_by_hand() -> None:
    # first step: both moments are those of one gradient, so the step is lr * sign(gradient)
    model = shaken()
    optimizer = build_optimizer(model, replace(OPTIMIZER, weight_decay=0.0))
    set_lr(optimizer, 0.01)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        parameter.grad = torch.rand(parameter.shape, generator=generator) + 1
    optimizer.step()
    for tensor in model.arch.tensors():
        moved = before[tensor.name] - model.get_parameter(tensor.name).detach()
        expected = torch.full_like(moved, 0.01 * MULTIPLIERS.get(tensor.role, 1.0))
        torch.testing.assert_close(moved, expected, rtol=1e-3, atol=1e-6)


def test_roles_with_equal_rates_share_a_group() -> None:
    alike = replace(OPTIMIZER, embedding_lr=1.0, output_head_lr=1.0, vectors_lr=1.0)
    assert len(build_optimizer(shaken(), alike).param_groups) == 2  # with decay and without
