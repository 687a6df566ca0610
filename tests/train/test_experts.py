"""Routed experts equal their plain definition; what balances them is 1 at best and the same in any division."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.train.experts import balance_loss, mixed, route
from train.models import shaken

TOKENS, WIDTH, COLUMNS, EXPERTS, ACTIVE = 31, 12, 20, 6, 2


def drawn() -> tuple[torch.Tensor, torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
    """(x, logits, experts), all with gradients."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    experts = [(normal(2 * COLUMNS, WIDTH), normal(WIDTH, COLUMNS)) for _ in range(EXPERTS)]
    return normal(TOKENS, WIDTH), normal(TOKENS, EXPERTS), experts


def plain(x: torch.Tensor, logits: torch.Tensor, experts: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Token by token, as Mixtral is written: a softmax over all experts, of which the largest are made to sum to 1."""
    rows = []
    for token, scores in zip(x, logits.softmax(-1), strict=True):
        largest = scores.topk(ACTIVE)
        total = torch.zeros_like(token)
        for weight, number in zip(largest.values / largest.values.sum(), largest.indices.tolist(), strict=True):
            into, out = experts[number]
            gate, up = (into @ token).chunk(2)
            total = total + weight * (out @ (F.silu(gate) * up))
        rows.append(total)
    return torch.stack(rows)


def test_sorted_tokens_give_what_every_token_alone_gives_and_the_same_gradients() -> None:
    x, logits, experts = drawn()
    inputs = [x, logits, *(weight for pair in experts for weight in pair)]
    weights, chosen = route(logits, ACTIVE)
    ours, theirs = mixed(x, weights, chosen, experts), plain(x, logits, experts)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), inputs),
        torch.autograd.grad(theirs.square().sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)


def test_an_expert_that_no_token_chose_gets_a_gradient_of_zero() -> None:
    x, _, experts = drawn()
    chosen = torch.tensor([[0, 2]] * TOKENS)
    mixed(x, torch.full((TOKENS, 2), 0.5), chosen, experts).sum().backward()
    assert torch.equal(experts[1][0].grad, torch.zeros_like(experts[1][0]))
    assert experts[2][1].grad is not None
    assert experts[2][1].grad.abs().sum() > 0


def test_balance_is_one_where_all_experts_are_used_alike() -> None:
    chosen = torch.arange(12).view(6, 2) % EXPERTS
    assert balance_loss(torch.zeros(6, EXPERTS), chosen, 1).item() == pytest.approx(1.0)
    one = torch.full((6, EXPERTS), -20.0)
    one[:, :2] = 20.0
    assert balance_loss(one, torch.tensor([[0, 1]] * 6), 1).item() == pytest.approx(EXPERTS / 2)


def test_balance_is_the_mean_over_sequences() -> None:
    _, logits, _ = drawn()
    logits = logits[:30]
    _, chosen = route(logits, ACTIVE)
    halves = [balance_loss(logits[part], chosen[part], 1) for part in (slice(15), slice(15, None))]
    assert balance_loss(logits, chosen, 2).item() == pytest.approx(torch.stack(halves).mean().item())


def test_the_loss_that_is_reported_has_no_balance_and_its_gradient_reaches_the_router() -> None:
    model = shaken("moe")
    tokens = torch.randint(257, (3, 17))
    minimised, nats = model.objective(tokens)
    weight = (minimised - nats).item()
    # between 1 and experts / active for each of the two layers
    assert 2 * 3e-3 * 0.9 < weight < 2 * 3e-3 * 4
    assert nats.item() == pytest.approx(model(tokens).mean().item())
    (gradient,) = torch.autograd.grad(minimised - nats, [model.get_parameter("blocks.0.router")])
    assert gradient.abs().max() > 0
    with torch.no_grad():
        for block in model.blocks:
            block.balance = None
        model(tokens)
    assert all(block.balance is None for block in model.blocks)
