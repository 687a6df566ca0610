"""Every parameter is trained once, at the rate and with the decay of its role."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isoflop.arch import FLOAT32, ROLES, TrainingSetup, train_memory
from isoflop.errors import InputError
from isoflop.spec import Optimizer
from isoflop.train.model import BLOCKS, LanguageModel
from isoflop.train.optim import MuonWithAdamW, build_optimizer, check_one_process, decays, lr_multiplier, set_lr
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


MUON = replace(OPTIMIZER, hidden="muon")


@pytest.mark.parametrize("family", BLOCKS)
def test_muon_has_the_hidden_matrices_and_adamw_the_rest(family: str) -> None:
    model = shaken(family)
    optimizer = build_optimizer(model, MUON)
    assert isinstance(optimizer, MuonWithAdamW)
    set_lr(optimizer, 0.01)
    (hidden,) = optimizer.muon.param_groups
    assert (hidden["lr"], hidden["weight_decay"], hidden["momentum"]) == (0.01, 0.5, 0.95)
    of_muon = {id(parameter) for parameter in hidden["params"]}
    of_adamw = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert not of_muon & of_adamw
    for tensor in model.arch.tensors():
        assert id(model.get_parameter(tensor.name)) in (of_muon if decays(tensor) else of_adamw)


def test_the_step_of_muon_is_that_of_torch_beside_adamw() -> None:
    limit, rows = 0.01, torch.randint(257, (2, 9))
    ours, theirs = shaken(), shaken()
    theirs.load_state_dict(ours.state_dict())
    optimizer = build_optimizer(ours, MUON)
    names = [tensor.name for tensor in theirs.arch.tensors() if decays(tensor)]
    muon = torch.optim.Muon(
        [theirs.get_parameter(name) for name in names],
        lr=0.01,
        weight_decay=0.5,
        momentum=0.95,
        adjust_lr_fn="match_rms_adamw",
    )
    others = build_optimizer(theirs, OPTIMIZER)
    for _ in range(3):
        set_lr(optimizer, 0.01)
        set_lr(others, 0.01)
        ours(rows).mean().backward()
        norm = optimizer.clipped_step(limit)
        theirs(rows).mean().backward()
        gradients = [parameter.grad for parameter in theirs.parameters() if parameter.grad is not None]
        torch.testing.assert_close(torch.nn.utils.get_total_norm(gradients), norm)
        assert norm > 2 * limit  # clipping is part of what is compared
        # by the same norm to the last digit: products in bfloat16 enlarge what rounding changes
        torch._foreach_div_(gradients, norm / limit)
        muon.step()
        for name in names:
            theirs.get_parameter(name).grad = None
        others.step()
        others.zero_grad()
        for name, parameter in ours.named_parameters():
            assert parameter.grad is None
            torch.testing.assert_close(parameter, theirs.get_parameter(name), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", BLOCKS)
@pytest.mark.parametrize("kind", [OPTIMIZER, MUON])
def test_the_state_has_the_bytes_of_the_account(family: str, kind: Optimizer) -> None:
    model = shaken(family)
    optimizer = build_optimizer(model, kind)
    set_lr(optimizer, 0.01)
    model(torch.randint(257, (2, 9))).mean().backward()
    optimizer.clipped_step(1.0)
    held = sum(value.nbytes for state in optimizer.state.values() for name, value in state.items() if name != "step")
    formats = FLOAT32.with_optimizer(kind.hidden)
    assert held == train_memory(model.arch, TrainingSetup(seq_len=8, formats=formats)).optimizer


def test_muon_over_several_processes_is_refused_by_name() -> None:
    check_one_process(MUON, 1)
    check_one_process(OPTIMIZER, 2)
    with pytest.raises(InputError, match="Muon needs whole matrices, which 2 processes do not hold"):
        check_one_process(MUON, 2)
