import math

import numpy as np
import pytest
from scipy import stats

from isoflop.distributions import (
    chi_square_quantile,
    chi_square_upper,
    f_upper,
    student_grid,
    student_quantile,
    student_shares,
    student_upper,
)

DEGREES = (1, 1.7, 2, 3, 8.5, 30, 278, 5000)


@pytest.mark.parametrize("dof", DEGREES)
def test_quantiles_and_tails_are_those_of_scipy(dof: float) -> None:
    for share in (0.001, 0.05, 0.3, 0.5, 0.8, 0.95, 0.9999):
        assert student_quantile(share, dof) == pytest.approx(stats.t.ppf(share, dof), rel=1e-9, abs=1e-9)
        assert chi_square_quantile(share, dof) == pytest.approx(stats.chi2.ppf(share, dof), rel=1e-9)
        assert student_upper(stats.t.isf(share, dof), dof) == pytest.approx(share, rel=1e-9)
        assert chi_square_upper(stats.chi2.isf(share, dof), dof) == pytest.approx(share, rel=1e-9)
        for below in DEGREES:
            assert f_upper(stats.f.isf(share, dof, below), dof, below) == pytest.approx(share, rel=1e-8)


def test_infinite_degrees_are_the_normal_distribution() -> None:
    assert student_quantile(0.95, math.inf) == pytest.approx(stats.norm.ppf(0.95))
    assert f_upper(2.0, 3, math.inf) == pytest.approx(stats.chi2.sf(6.0, 3))


@pytest.mark.parametrize("dof", [*DEGREES, math.inf])
def test_tables_are_right_to_a_millionth(dof: float) -> None:
    exact = stats.norm if math.isinf(dof) else stats.t(dof)
    grid = student_grid(101, dof)
    assert np.abs(exact.cdf(grid) - (np.arange(101) + 0.5) / 101).max() < 2e-6
    assert np.abs(student_shares(grid / 3, dof) - exact.cdf(grid / 3)).max() < 2e-6
    assert np.array_equal(grid, -grid[::-1])
