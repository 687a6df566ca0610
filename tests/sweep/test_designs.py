"""Designs hold the runs that a curve needs, each spending its budget; constants that are tuned are not pinned."""

import json
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.arch import flops_per_token
from isoflop.errors import InputError, RefusedError
from isoflop.recipe import SmallRecipe
from isoflop.sweep import Design, isoflop_design, learning_rate_check
from isoflop.sweep.designs import (
    LR_FACTORS,
    MIN_SIZES,
    MIN_STEPS,
    budget_of,
    first_guess,
    geometric_budgets,
    sizes_around,
)
from sweep.machine import RECIPE

BUDGETS = st.floats(10.8, 16).map(lambda exponent: float(f"{10**exponent:.2e}"))


def spent(spec):
    return flops_per_token(spec.architecture, spec.seq_len) * spec.tokens


@settings(deadline=None, max_examples=30)
@given(st.lists(BUDGETS, min_size=1, max_size=4, unique=True))
def test_every_budget_gets_enough_sizes_that_spend_it(budgets):
    design = isoflop_design(RECIPE, budgets, corpus="c", seed=0)
    assert design.budgets == tuple(sorted(budgets))
    at = defaultdict(list)
    for run in design.runs:
        at[run.spec.budget_flops].append(run.spec)
    for budget in budgets:
        sizes = [spec.architecture.params().non_embedding for spec in at[budget]]
        assert len(sizes) >= MIN_SIZES
        assert sizes == sorted(sizes)
        assert len({(s.architecture.d_model, s.architecture.n_layers) for s in at[budget]}) == len(sizes)
        for spec in at[budget]:
            # at MIN_STEPS steps or more, half a batch is at most 1 % of the run
            assert spec.steps >= MIN_STEPS
            assert spent(spec) == pytest.approx(budget, rel=0.5 / MIN_STEPS * 1.01)
            assert (spec.seed, spec.corpus) == (0, "c")
    assert {run.purpose for run in design.runs} == {"isoflop"}


@settings(deadline=None)
@given(BUDGETS)
def test_sizes_lie_on_both_sides_of_the_guess_where_there_is_room(flops):
    centre = first_guess(RECIPE, flops)
    smallest = RECIPE.architecture(1).params().non_embedding
    sizes = [shape.params().non_embedding for shape in sizes_around(RECIPE, flops, centre)]
    assert sizes[-1] > centre
    if centre > 4 * smallest:
        assert sizes[0] < centre / 2


def test_the_guess_grows_with_compute_but_slower():
    assert 1 < first_guess(RECIPE, 1e13) / first_guess(RECIPE, 1e12) < 10


def test_the_guess_is_the_familys():
    gopher = SmallRecipe(family="gopher", vocab_size=257)
    assert gopher.tuning.optimum > 1
    assert first_guess(gopher, 1e12) == pytest.approx(gopher.tuning.optimum * first_guess(RECIPE, 1e12))
    small, large = (isoflop_design(recipe, [1e12], corpus="c", seed=0).specs for recipe in (RECIPE, gopher))
    assert large[-1].architecture.params().non_embedding > small[-1].architecture.params().non_embedding


def test_a_budget_for_too_few_sizes_is_refused_with_the_way_out():
    with pytest.raises(RefusedError, match=r"1e6 FLOPs give \d buildable sizes, and a curve needs 5; raise") as caught:
        isoflop_design(RECIPE, [1e6, 1e13], corpus="c", seed=0)
    assert caught.value.code == "budget_too_small"


def test_the_middle_of_a_check_is_the_sweeps_own_run():
    grid = isoflop_design(RECIPE, [1e12], corpus="c", seed=0)
    one = grid.runs[2].spec
    check = learning_rate_check(RECIPE, [(one.architecture, 1e12)], corpus="c", seed=0)
    rates = [run.spec.peak_lr for run in check.runs]
    assert rates == [one.peak_lr * factor for factor in LR_FACTORS]
    assert 1.0 in LR_FACTORS
    assert {run.spec.group for run in check.runs} == {one.group}
    both = Design(runs=grid.runs + check.runs)
    assert len(both.specs) == len(grid.specs) + len(LR_FACTORS) - 1
    assert both.purposes()[one.run_id] == ["isoflop", "learning_rate_check"]
    assert sorted(both.purposes()) == sorted(spec.run_id for spec in both.specs)


def test_a_check_alone_has_no_budgets_to_fit():
    shape = RECIPE.architecture(1e5)
    assert learning_rate_check(RECIPE, [(shape, 1e12)], corpus="c", seed=0).budgets == ()


def test_a_design_is_saved_and_loaded(tmp_path):
    design = isoflop_design(RECIPE, [1e12, 1e13], corpus="c", seed=0)
    design.save(tmp_path / "design.json")
    assert Design.load(tmp_path / "design.json") == design
    assert json.loads((tmp_path / "design.json").read_text())["schema"] == 1


def test_a_design_of_another_version_is_refused(tmp_path):
    (tmp_path / "design.json").write_text('{"schema": 99, "runs": []}')
    with pytest.raises(InputError, match="another version"):
        Design.load(tmp_path / "design.json")
    with pytest.raises(InputError, match="no such file"):
        Design.load(tmp_path / "nowhere.json")


@given(st.floats(1e9, 1e24), st.integers(1, 9), st.floats(1.5, 10))
def test_budgets_rise_by_the_ratio_to_the_top(top, count, ratio):
    budgets = geometric_budgets(top, count, ratio)
    assert len(budgets) == count
    assert budgets[-1] == pytest.approx(top, rel=5e-3)
    assert all(late / early == pytest.approx(ratio, rel=1.1e-2) for early, late in pairwise(budgets))
    assert all(budget == float(f"{budget:.2e}") for budget in budgets)


def test_runs_without_a_stated_budget_are_grouped_by_their_flops():
    assert [budget_of(None, flops, [1.00e10, 1.78e10]) for flops in (0.97e10, 1.08e10, 1.8e10, 3.1e10)] == [
        1.00e10,
        1.00e10,
        1.78e10,
        3.1e10,
    ]
    assert budget_of(2e10, 1e10, [1e10]) == 2e10
