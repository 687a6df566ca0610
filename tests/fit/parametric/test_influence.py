import numpy as np

from isoflop.fit.parametric.influence import few_rows_decide
from isoflop.fit.parametric.multistart import find_optimum
from isoflop.fit.parametric.objective import Problem
from isoflop.observations import Observations

from ..designs import TRUTHS, figure_rows, isoflop_sweep


def noticed(data, interval):
    problem = Problem.of(data.N, data.D, data.loss, 1e-3)
    return few_rows_decide(problem, data, find_optimum(problem).theta, interval)


def test_the_five_rows_of_fewest_tokens_decide_the_published_fit():
    # Without them a is .51386 instead of .56463 (the fits to 240 and 245 rows).
    found = noticed(figure_rows(245), (0.545, 0.58))
    assert [notice.code for notice in found] == ["few_rows_decide"]
    assert "5 rows with the fewest tokens" in found[0].message
    assert "0.514 instead of 0.565" in found[0].message
    assert noticed(figure_rows(240), (0.49, 0.54)) == []


def test_it_depends_on_what_the_interval_allows():
    data = figure_rows(245)
    assert noticed(data, (0.2, 0.9)) == []
    assert noticed(data, None) == []


def test_a_table_too_small_to_leave_rows_out_is_not_judged():
    data = isoflop_sweep(TRUTHS["hoffmann"], np.geomspace(1e18, 1e21, 2), sizes=4, noise=0.01)
    seven = Observations.from_arrays(N=data.N[:7], D=data.D[:7], loss=data.loss[:7])
    assert few_rows_decide(Problem.of(seven.N, seven.D, seven.loss, 1e-3), seven, np.zeros(5), (0.5, 0.51)) == []
