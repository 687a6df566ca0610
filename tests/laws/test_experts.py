"""The leverage of experts, its allocation and the independent report equal what their papers print."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws.experts import (
    DENSE_ALLOCATION,
    EXPERT_ALLOCATION,
    LEVERAGE,
    SPARSITY_REPORT,
    ExpertMixture,
)


def test_the_leverage_that_the_paper_claims() -> None:
    """Tian et al. 2025, section 5: 3.1 % of the experts at granularity 12 save a factor above 7 at 1e22 FLOPs."""
    assert LEVERAGE.leverage(0.031, 12, 1e22) == pytest.approx(7.24, abs=0.02)


def test_the_best_granularity_is_the_largest_leverage() -> None:
    best = LEVERAGE.best_granularity
    assert best == pytest.approx(11.3, abs=0.1)
    for other in (best / 1.05, best * 1.05):
        assert LEVERAGE.leverage(0.031, best, 1e21) > LEVERAGE.leverage(0.031, other, 1e21)


@pytest.mark.parametrize(("flops", "tokens"), [(1e20, 3.37e10), (1e21, 1.04e11), (1e22, 3.23e11)])
def test_the_tokens_of_a_budget(flops: float, tokens: float) -> None:
    assert EXPERT_ALLOCATION.tokens(flops) == pytest.approx(tokens, rel=5e-3)
    assert EXPERT_ALLOCATION.flops_per_token(flops) * EXPERT_ALLOCATION.tokens(flops) == pytest.approx(flops)


def test_a_dense_model_reads_fewer_tokens() -> None:
    """Methods of the same paper: 180e9 against 323e9 at 1e22."""
    assert DENSE_ALLOCATION.tokens(1e22) == pytest.approx(180e9, rel=5e-3)


@pytest.mark.parametrize(("sparsity", "times"), [(8, 1.0), (16, 1.69 / 1.39), (32, 1.69 / 1.15), (48, 1.69)])
def test_the_independent_report_at_its_points(sparsity: float, times: float) -> None:
    assert SPARSITY_REPORT.saving(sparsity) == pytest.approx(times)
    assert SPARSITY_REPORT.saving(7.9) is None
    assert SPARSITY_REPORT.saving(48.1) is None


def test_the_law_expects_more_of_sparsity_than_the_report_measured() -> None:
    """With its experts at 1e21 the law gives 2.16, 1.55 and 1.16 where the report has 1.69, 1.39 and 1.15."""
    whole = SPARSITY_REPORT.saving_by(LEVERAGE, 48, 1e21)
    for sparsity, by_law in ((8, 2.16), (16, 1.55), (32, 1.16)):
        assert whole / SPARSITY_REPORT.saving_by(LEVERAGE, sparsity, 1e21) == pytest.approx(by_law, abs=0.005)


@given(
    ratio=st.floats(0.008, 0.9),
    granularity=st.floats(1, 30),
    flops=st.floats(18, 23).map(lambda power: 10**power),
)
def test_fewer_active_experts_and_more_compute_save_more(ratio: float, granularity: float, flops: float) -> None:
    power = math.log(LEVERAGE.leverage(ratio, granularity, flops))
    if LEVERAGE.leverage(0.01, granularity, flops) > 1:  # elsewhere the sign of the power turns, at small budgets
        assert LEVERAGE.leverage(ratio * 1.1, granularity, flops) < math.exp(power)
        assert LEVERAGE.leverage(ratio, granularity, flops * 2) > math.exp(power)


def test_a_mixture_that_cannot_be() -> None:
    with pytest.raises(InputError, match="active: expected 1 to 8"):
        ExpertMixture(experts=8, active=9, granularity=2)
    mixture = ExpertMixture(experts=64, active=4, shared=1, granularity=3.75)
    assert mixture.activation_ratio == pytest.approx(5 / 65)
    assert mixture.sparsity == 16
    with pytest.raises(InputError, match="activation ratio"):
        LEVERAGE.leverage(0, 12, 1e22)
