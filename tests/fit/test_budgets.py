"""Which rows are of one budget."""

import numpy as np
import pytest

from isoflop.fit.budgets import budget_labels
from isoflop.observations import Observations

N = np.tile(np.geomspace(5e7, 8e8, 5), 3)
WISH = np.repeat([1e18, 3e18, 1e19], 5)


@pytest.mark.parametrize("off", [0, 1e-9, 2e-5, 4e-5])
def test_wishes_that_differ_by_rounding_are_one_budget(off):
    wish = WISH * (1 + off * np.tile([-1, -0.5, 0, 0.5, 1], 3))
    made = Observations.from_arrays(N=N, D=WISH / (6 * N), budget=wish, loss=2 + 1e3 / N**0.4)
    assert budget_labels(made).tolist() == np.repeat([0, 1, 2], 5).tolist()


def test_wishes_further_apart_are_several():
    wish = np.repeat([1e18, 1.001e18, 1e19], 5)
    made = Observations.from_arrays(N=N, D=wish / (6 * N), budget=wish, loss=2 + 1e3 / N**0.4)
    assert budget_labels(made).tolist() == np.repeat([0, 1, 2], 5).tolist()


def test_rows_without_a_target_stay_next_to_those_that_have_one():
    wish = np.where(np.arange(15) < 10, WISH, np.nan)
    made = Observations.from_arrays(N=N, D=WISH / (6 * N), budget=wish, loss=2 + 1e3 / N**0.4)
    assert budget_labels(made).tolist() == np.repeat([0, 1, 2], 5).tolist()
