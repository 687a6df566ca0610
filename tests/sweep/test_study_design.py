"""A whole study fits the time or the FLOPs it was given, uses most of them, and grows with them."""

import pytest

from isoflop.arch import flops_per_token
from isoflop.errors import RefusedError
from isoflop.sweep import LARGER, comparison_design, design_study, study_cost, sweep_design
from isoflop.sweep.study_design import OVERHEAD_SECONDS, least_study
from isoflop.units import format_flops
from sweep.machine import RECIPE, SPEED, STUDY

# The top budget, which the final runs are a multiple of, is rounded to three digits: up by half a percent at the most.
ROUNDED_UP = 1.005


def designed(*, seconds=None, flops=None, **changed):
    return design_study(RECIPE, SPEED, seconds=seconds, flops=flops, **{**STUDY, **changed})


def billed(design, **changed):
    settings = {**STUDY, **changed}
    top = settings["final_ratio"] * max(design.budgets)
    sweep, final = study_cost(RECIPE, design, top, SPEED, settings["workers"])
    return OVERHEAD_SECONDS + sweep.seconds + final.seconds, sweep.flops + final.flops


@pytest.mark.parametrize(("seconds", "workers"), [(700.0, 2), (900.0, 1), (3600.0, 8), (86_400.0, 3)])
def test_a_study_fits_its_time_and_uses_most_of_it(seconds, workers):
    design = designed(seconds=seconds, workers=workers)
    expected, _ = billed(design, workers=workers)
    training = seconds - OVERHEAD_SECONDS
    assert 0.9 * training <= expected - OVERHEAD_SECONDS <= ROUNDED_UP * training
    assert len(design.budgets) == STUDY["budgets"]


@pytest.mark.parametrize("flops", [5e13, 1e15, 1e18])
def test_a_study_fits_its_flops_and_uses_most_of_them(flops):
    _, spent = billed(designed(flops=flops))
    assert 0.9 * flops <= spent <= ROUNDED_UP * flops


def test_more_time_or_more_workers_give_larger_budgets():
    tops = [max(designed(seconds=s, workers=w).budgets) for s, w in ((1800, 2), (7200, 2), (7200, 4))]
    assert tops[0] < tops[1] < tops[2]


@pytest.mark.parametrize(
    ("limit", "said"),
    [({"seconds": 80.0}, "--minutes 1.33 is too little"), ({"flops": 1e8}, "--flops 1e8 is too small")],
)
def test_too_little_for_any_sweep_is_refused(limit, said):
    with pytest.raises(RefusedError, match=said) as caught:
        designed(**limit)
    assert caught.value.code == "budget_too_small"


@pytest.mark.parametrize("changed", [{}, {"budgets": 3}, {"budgets": 1}, {"budget_ratio": 4.0}, {"final_ratio": 1.0}])
def test_the_least_that_a_refusal_names_works_and_a_tenth_less_does_not(changed):
    settings = {name: {**STUDY, **changed}[name] for name in ("workers", "budgets", "budget_ratio", "final_ratio")}
    least = least_study(RECIPE, SPEED, **settings)
    assert f"--flops {format_flops(least.flops)}" in least.refusal(seconds=None, flops=1e8, where="")
    for enough in ({"flops": least.flops}, {"seconds": 60.0 * least.minutes}):
        assert len(designed(**enough, **changed).budgets) == settings["budgets"]
    for too_little in ({"flops": 0.9 * least.flops}, {"seconds": 0.9 * least.seconds}):
        with pytest.raises(RefusedError, match="the least is"):
            designed(**too_little, **changed)


def test_no_budget_is_enough_for_a_hundred_of_them():
    with pytest.raises(RefusedError, match="give fewer --budgets"):
        designed(flops=1e15, budgets=100)


def test_a_sweep_is_its_curves_and_a_check_of_the_rate():
    design = sweep_design(RECIPE, 1e13, corpus="c", seed=0, budgets=4, budget_ratio=3)
    assert len(design.budgets) == 4
    assert max(design.budgets) == 1e13
    checks = [run.spec for run in design.runs if run.purpose == "learning_rate_check"]
    assert len(checks) == 9
    assert len({spec.group for spec in checks}) == 3
    # the middle rate of each cell is a run of the curves
    own = {run.spec.run_id for run in design.runs if run.purpose == "isoflop"}
    assert sum(spec.run_id in own for spec in checks) == 3
    assert len(design.specs) == len(own) + 6


def test_the_contest_is_two_sizes_at_one_compute():
    planned = RECIPE.architecture(1e6)
    design = comparison_design(RECIPE, planned, 1e14, corpus="c", seed=0)
    assert [run.purpose for run in design.runs] == ["planned", "larger"]
    first, second = (run.spec for run in design.runs)
    assert first.architecture == planned
    ratio = second.architecture.params().non_embedding / planned.params().non_embedding
    assert ratio == pytest.approx(LARGER, rel=0.1)
    assert second.tokens < first.tokens
    for spec in (first, second):
        spent = flops_per_token(spec.architecture, spec.seq_len) * spec.tokens
        assert spent == pytest.approx(1e14, rel=0.01)
        assert spec.budget_flops == 1e14


def test_the_contest_is_no_row_of_a_curve():
    design = comparison_design(RECIPE, RECIPE.architecture(1e6), 1e14, corpus="c", seed=0)
    assert design.budgets == ()
