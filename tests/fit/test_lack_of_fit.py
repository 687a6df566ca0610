import numpy as np
import pytest

from isoflop.codec import fields_to_json, from_json, to_json
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.lack_of_fit import LackOfFit, lack_of_fit

from .designs import TRUTHS, isoflop_sweep

TRUTH = TRUTHS["besiroglu"]


def coupled(N, D):  # what the 240 points of Hoffmann et al., Figure 4 fit
    return 1.757 + (2305 * N**-0.42436 + 9957 * D**-0.43053) ** 0.774


def bent(N, D):  # a product of logarithms on top, as the log-quadratic has it
    return TRUTH.loss(N, D) * np.exp(0.004 * np.log(N / 1e9) * np.log(D / 2e10))


def _tested(surface, seed, budgets=9, sizes=15, span=8.0, noise=0.005) -> LackOfFit:
    data = isoflop_sweep(TRUTH, np.geomspace(1e18, 1e22, budgets), sizes, span, noise, seed, surface=surface)
    return lack_of_fit(data, FittedForms.of(data, 1e-3))


@pytest.mark.parametrize("budgets", [5, 9])
def test_a_right_form_is_seldom_accused(budgets):
    # nominal 5 to 10 %: more than 9 of 50 would come once in 50 tries at 8 %
    assert sum(_tested(TRUTH.loss, seed, budgets=budgets).found for seed in range(50)) <= 9


@pytest.mark.parametrize("surface", [coupled, bent])
def test_a_wrong_form_is_found_and_what_removes_it(surface):
    tested = [_tested(surface, seed) for seed in range(10)]
    assert all(one.found for one in tested)
    assert sum(one.removed_by is not None for one in tested) >= 8
    notice = tested[0].notices()[0]
    assert notice.code == "lack_of_fit"
    assert "z = " in notice.message


def test_rows_of_one_run_count_once():
    data = isoflop_sweep(TRUTH, np.geomspace(1e18, 1e22, 9), 15, 8.0, 0.005, 1, surface=coupled)
    problems = FittedForms.of(data, 1e-3)
    single = lack_of_fit(data, problems)
    from dataclasses import replace

    pairs = tuple(f"r{i // 5}" for i in range(len(data)))
    paired = lack_of_fit(replace(data, run_id=pairs, trees=pairs), problems)
    assert paired.runs == len(data) // 5
    assert paired.by["params"].bend == pytest.approx(single.by["params"].bend)
    assert paired.by["params"].bend_se != pytest.approx(single.by["params"].bend_se)


def test_few_runs_are_not_judged():
    found = _tested(TRUTH.loss, 0, budgets=3, sizes=3)
    assert not found.found
    assert found.by == {}
    assert "too few" in found.message


def test_written_and_read_again():
    found = _tested(coupled, 0)
    assert from_json(LackOfFit, to_json(found), "lack of fit") == found
    assert set(fields_to_json(found)) == {"by", "found", "removed_by", "runs", "message"}
    assert set(found.by) == {"params", "tokens", "tokens_per_param"}
