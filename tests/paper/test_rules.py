"""140B on 3T: every rule at PaLM's compute, and what serving costs."""

import pytest

from isoflop.laws import SIX_N, compute_for_loss, published_law
from isoflop.paper import section
from isoflop.paper.rules import flops_served, lifetimes, rules
from isoflop.plan import InferenceDemand, Problem

PALM = 2.5272e24


@pytest.mark.parametrize(
    ("label", "params", "tokens"),
    [
        ("67B at 5.76e23, a = 0.50", 1.403406e11, 3.001270e12),
        ("approach 1, Table 3", 1.418771e11, 2.968767e12),
        ("approach 2, Table A3", 1.314029e11, 3.205408e12),
        ("20 tokens a parameter", 1.451206e11, 2.902413e12),
        ("Muennighoff 2023, C4", 1.465453e11, 2.874197e12),
        ("Besiroglu 2024, the refit", 1.541837e11, 2.731807e12),
        ("the same, notebook's digits", 1.544199e11, 2.727627e12),
        ("approach 3, Table A3", 8.367075e10, 5.034017e12),
        ("approach 3, unrounded", 7.927751e10, 5.312982e12),
        ("approach 3, Eq. 10 as printed", 6.277007e10, 6.710204e12),
    ],
)
def test_every_rule(label, params, tokens):
    # N = G (C/6)^a, the power laws through Tables 3 and A3, and sqrt(C / 120)
    (rule,) = [one for one in rules() if one.label == label]
    assert (rule.params, rule.tokens) == pytest.approx((params, tokens), rel=6e-7)
    assert 6 * rule.params * rule.tokens == pytest.approx(PALM)


def test_what_the_corrected_fit_says_of_it():
    grid = section("140b-on-3t").grids[1]
    found = {row[0]: row[1:] for row in grid.rows}["besiroglu2024"]
    # 0.000069 above the best loss at its compute, 0.9968 of it needed, 0.0122 below PaLM's
    assert found == (
        pytest.approx(1.938131, abs=6e-7), pytest.approx(0.000069, abs=6e-7), pytest.approx(0.9968, abs=6e-5),
        pytest.approx(-0.0122, abs=6e-5),
    )  # fmt: skip


def test_a_token_served_costs_280_gflop_next_to_1080():
    assert (flops_served(140e9), flops_served(540e9)) == pytest.approx((280e9, 1080e9))
    grid = section("140b-on-3t").grids[2]
    assert [row[3] for row in grid.rows] == pytest.approx([3.86, 1], abs=0.005)


def test_a_life_of_palms_loss_at_the_least_flops():
    law = published_law("besiroglu2024")
    loss = float(law.loss(540e9, 780e9))
    training = compute_for_loss(law, loss)
    first, *later = lifetimes()
    assert first.served == 0
    assert (first.built, first.proposed) == pytest.approx((PALM, 2.52e24))
    # of PaLM's compute an optimal run needs 0.5788
    assert first.least.flops == pytest.approx(0.5788 * PALM, rel=1e-4)
    for one in later:
        assert one.built == pytest.approx(PALM + 1080e9 * one.served)
        assert one.proposed == pytest.approx(2.52e24 + 280e9 * one.served)
        # the planner's objective, asked in its own way, chooses the same
        N, D = Problem.of(InferenceDemand(tokens=one.served)).choose(law, training, SIX_N)
        assert (one.least.params, one.least.tokens) == pytest.approx((float(N), float(D)), rel=1e-4)
        assert float(law.loss(one.least.params, one.least.tokens)) == pytest.approx(loss, rel=1e-9)
        assert one.least.flops < one.proposed < one.built
