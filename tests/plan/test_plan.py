"""Plans against published numbers (facts 7.2 to 7.5), and properties that hold for every law."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError, RefusedError
from isoflop.laws import ChinchillaLaw, ComputeCost, FrontierLaw, Provenance, published_law
from isoflop.plan import Cluster, InferenceDemand, LawSource, TrainingOnly, make_plan

from .drawn_laws import positive_laws

SHARED = Path(__file__).parents[3] / "shared"
PALM = 2.5272e24
GOPHER = 5.76e23

# Names of the golden file's laws here.
GOLDEN_NAMES = {
    "A1_table3": "hoffmann2022-1",
    "A2_tableA3": "hoffmann2022-2",
    "A3_tableA3": "hoffmann2022-3-table",
    "hoffmann_rounded": "hoffmann2022-3-rounded",
    "hoffmann_unrounded": "hoffmann2022-3",
    "besiroglu_paper": "besiroglu2024",
    "muennighoff_c4": "muennighoff2023",
}


def plan_under(name, flops, **options):
    return make_plan(published_law(name), flops, recipe=None, **options)


@pytest.mark.parametrize(
    ("name", "params", "tokens"),
    [
        # N and D that each published law says are best at PaLM's compute, 6 x 540e9 x 780e9
        ("hoffmann2022-1", 1.418771e11, 2.968767e12),
        ("hoffmann2022-2", 1.314029e11, 3.205408e12),
        ("hoffmann2022-3-table", 8.367075e10, 5.034017e12),
        ("hoffmann2022-3-rounded", 6.277007e10, 6.710204e12),
        ("hoffmann2022-3", 7.927751e10, 5.312982e12),
        ("besiroglu2024", 1.541837e11, 2.731807e12),
        ("muennighoff2023", 1.465453e11, 2.874197e12),
    ],
)
def test_best_use_of_palms_compute(name, params, tokens):
    plan = plan_under(name, PALM)
    assert plan.params == pytest.approx(params, rel=1e-6)
    assert plan.tokens == pytest.approx(tokens, rel=1e-6)
    assert 6 * plan.params * plan.tokens == pytest.approx(PALM, rel=1e-12)


def test_every_golden_optimum():
    golden = SHARED / "facts_golden.json"
    if not golden.exists():
        pytest.skip("no facts_golden.json beside the repository")
    checked = 0
    for row in json.loads(golden.read_text())["optima"].values():
        for key, name in GOLDEN_NAMES.items():
            plan = plan_under(name, row["C"])
            assert plan.params == pytest.approx(row[key]["N"], rel=1e-9)
            assert plan.tokens == pytest.approx(row[key]["D"], rel=1e-9)
            checked += 1
    assert checked >= 6 * len(GOLDEN_NAMES)


def test_140b_on_3t_is_approach_one_scaled_by_the_square_root():
    law = FrontierLaw.through(params=67e9, flops=GOPHER, a=0.5, provenance=Provenance(name="approach-1-anchor"))
    plan = make_plan(law, PALM)
    assert plan.params == pytest.approx(1.403406e11, rel=1e-6)
    assert plan.tokens == pytest.approx(3.001270e12, rel=1e-6)


def test_rounded_constants_are_another_law():
    # beta printed as 0.28 is 0.2849: 32.2B where the paper's own figure says 40B
    assert plan_under("hoffmann2022-3-rounded", GOPHER).params == pytest.approx(32.2e9, rel=1e-2)
    assert plan_under("hoffmann2022-3", GOPHER).params == pytest.approx(40.4e9, rel=1e-2)


@pytest.mark.parametrize(
    ("name", "loss_of_140b_on_3t", "above_optimum"),
    [
        ("hoffmann2022-3-rounded", 1.887763, 0.005834),
        ("hoffmann2022-3", 1.875227, 0.002789),
        ("besiroglu2024", 1.938131, 0.000069),
    ],
)
def test_140b_on_3t_against_the_best_loss_at_its_compute(name, loss_of_140b_on_3t, above_optimum):
    law = published_law(name)
    loss = float(law.loss(140e9, 3e12))
    assert loss == pytest.approx(loss_of_140b_on_3t, abs=1e-6)
    assert loss - plan_under(name, 2.52e24).loss == pytest.approx(above_optimum, abs=1e-6)


def test_a_factor_two_wastes_a_seventh():
    # methods: 1 - exp(-(alpha + beta)/2 ln(2)^2) to a point for a factor of 2
    plan = plan_under("besiroglu2024", GOPHER)
    half, twice, same_loss = plan.alternatives
    expected = 1 - math.exp(-(0.3478 + 0.3658) / 2 * math.log(2) ** 2)
    assert half.wasted_share == pytest.approx(expected, abs=0.01)
    assert twice.wasted_share == pytest.approx(expected, abs=0.01)
    assert half.flops == pytest.approx(GOPHER)
    assert min(half.loss, twice.loss) > plan.loss
    assert same_loss.loss == pytest.approx(plan.loss, abs=1e-9)


@pytest.mark.parametrize(("name", "dearer"), [("hoffmann2022-3-rounded", 1.208), ("besiroglu2024", 1.259)])
def test_half_the_size_for_the_same_loss(name, dearer):
    plan = plan_under(name, GOPHER)
    same_loss = plan.alternatives[-1]
    assert same_loss.kind == "same_loss"
    assert same_loss.params == pytest.approx(plan.params / 2)
    assert same_loss.flops / GOPHER == pytest.approx(dearer, abs=1e-3)
    assert same_loss.wasted_share == pytest.approx(1 - 1 / dearer, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(law=positive_laws, exponent=st.floats(18, 26), off=st.floats(-1.0, 1.0))
def test_no_other_size_does_better_at_the_same_compute(law, exponent, off):
    flops = 10**exponent
    plan = make_plan(law, flops, recipe=None)
    other = plan.params * math.exp(off)
    assert float(law.loss(other, flops / (6 * other))) >= plan.loss - 1e-12


@settings(max_examples=40, deadline=None)
@given(law=positive_laws, exponent=st.floats(18, 26), unit=st.floats(0.1, 10))
def test_the_plan_does_not_depend_on_the_unit_of_loss(law, exponent, unit):
    # nats or bits: scaling E, A and B scales the loss and leaves N, D and the waste alone
    flops = 10**exponent
    scaled = ChinchillaLaw(E=law.E * unit, A=law.A * unit, B=law.B * unit, alpha=law.alpha, beta=law.beta)
    one, other = (make_plan(each, flops, recipe=None) for each in (law, scaled))
    assert other.params == pytest.approx(one.params, rel=1e-9)
    assert other.loss == pytest.approx(unit * one.loss, rel=1e-12)
    for a, b in zip(one.alternatives, other.alternatives, strict=True):
        assert b.wasted_share == pytest.approx(a.wasted_share, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(law=positive_laws, exponent=st.floats(18, 26))
def test_the_unit_of_size_does_not_matter(law, exponent):
    # parameters counted in another unit (N' = 2 N) with the cost that belongs to them: the same model, the same tokens
    flops = 10**exponent
    plan = make_plan(law, flops, recipe=None)
    doubled = ChinchillaLaw(E=law.E, A=law.A * 2**law.alpha, B=law.B, alpha=law.alpha, beta=law.beta)
    cost = ComputeCost(params=(1e6, 1e14), flops=(3e6, 3e14))
    other = make_plan(LawSource(law=doubled, cost=cost), flops, recipe=None)
    assert other.params == pytest.approx(2 * plan.params, rel=1e-6)
    assert other.tokens == pytest.approx(plan.tokens, rel=1e-6)
    assert other.loss == pytest.approx(plan.loss, rel=1e-9)


def test_a_law_without_losses_still_plans_sizes():
    plan = plan_under("hoffmann2022-1", GOPHER)
    assert plan.loss is None
    assert plan.alternatives == ()
    assert {notice.code for notice in plan.notices} >= {"no_loss", "no_draws", "extrapolation"}
    with pytest.raises(RefusedError, match="loss surface"):
        plan_under("hoffmann2022-1", GOPHER, objective=InferenceDemand(tokens=1e12))


def test_json_is_complete_and_strict():
    plan = make_plan(published_law("besiroglu2024"), GOPHER, cluster=Cluster.parse("512xH100", price_per_hour=2.0))
    value = json.loads(json.dumps(plan.as_json(), allow_nan=False))
    assert set(value) >= {
        "params", "tokens", "tokens_per_param", "flops", "loss", "loss_interval", "params_interval", "expected_waste",
        "architecture", "memory_bytes", "hours", "price", "law", "warnings",
    }  # fmt: skip
    assert value["tokens_per_param"] == pytest.approx(value["tokens"] / value["params"])
    assert value["price"] == pytest.approx(2 * 512 * value["hours"])


@pytest.mark.parametrize("flops", [0, -1e20, math.nan, math.inf])
def test_a_budget_that_is_none_is_refused(flops):
    with pytest.raises(InputError, match="flops"):
        make_plan(published_law("besiroglu2024"), flops)


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(InputError, match="level"):
        make_plan(published_law("besiroglu2024"), 1e20, level=level)


def test_training_only_is_the_default():
    assert plan_under("besiroglu2024", 1e20).objective.objectives == (TrainingOnly(),)
