"""The laws that both recipes share, along sizes and tokens and along a line, on losses without noise."""

from __future__ import annotations

import numpy as np
import pytest

from compare.drawn_comparisons import BASE, GRID, LADDER, shifted
from isoflop.compare.line_law import fit_line
from isoflop.compare.shared_law import FLOORS, OWN, SHIFTED, SharedLaw, SharedRows, fit_shared, with_draws
from isoflop.laws import ChinchillaLaw


def rows(b: ChinchillaLaw, noise: float = 0.0, seeds: int = 1, exchanged: bool = False) -> SharedRows:
    N, D = (np.tile([cell[k] for cell in GRID], 2 * seeds) for k in (0, 1))
    is_a = np.repeat([1.0, 0.0], seeds * len(GRID))
    loss = np.where(is_a > 0.5, BASE.loss(N, D), b.loss(N, D))
    loss = loss * np.exp(noise * np.random.default_rng(3).standard_normal(len(loss)))
    return SharedRows.of(N, D, loss, 1 - is_a if exchanged else is_a)


def fitted(of: SharedRows) -> SharedLaw:
    law = fit_shared(of)
    assert law is not None
    return law


def test_both_shifts_and_the_common_constants_are_recovered() -> None:
    law = fitted(rows(shifted(params=1.3, tokens=0.9)))
    theta = law.theta
    assert np.exp(theta[0]) == pytest.approx(BASE.E, rel=1e-6)
    assert theta[3:5] == pytest.approx([BASE.alpha, BASE.beta], rel=1e-6)
    # A's size term is larger where B makes more of a parameter.
    assert np.exp(law.rows.a * theta[6] / theta[3]) == pytest.approx(1.3, rel=1e-6)
    assert np.exp(law.rows.a * theta[5] / theta[4]) == pytest.approx(0.9, rel=1e-6)


def test_exchanged_sides_fit_the_same_law() -> None:
    one, other = (fitted(rows(shifted(tokens=1.2), 0.002, 2, exchanged)) for exchanged in (False, True))
    assert np.array_equal(other.theta, one.theta)
    assert other.rows.a == -one.rows.a
    assert np.array_equal(with_draws(one, 100, 0).draws, with_draws(other, 100, 0).draws)


@pytest.mark.parametrize(
    ("b", "floors", "exponents"),
    [
        (shifted(tokens=1.25), False, False),
        (ChinchillaLaw(E=BASE.E - 0.05, A=BASE.A, B=BASE.B, alpha=BASE.alpha, beta=BASE.beta), True, False),
        (ChinchillaLaw(E=BASE.E, A=BASE.A, B=BASE.B * 4e9**0.04, alpha=BASE.alpha, beta=BASE.beta + 0.04), True, True),
    ],
)
def test_floors_and_exponents_of_their_own_are_found_where_they_are(
    b: ChinchillaLaw, floors: bool, exponents: bool
) -> None:
    of = rows(b, 0.001, 3)
    common = fitted(of)
    with_floors = fit_shared(of, FLOORS, common)
    assert with_floors is not None
    own = fit_shared(of, OWN, with_floors)
    assert own is not None
    assert (with_floors.better_than(common) or own.better_than(with_floors)) == floors
    assert own.better_than(with_floors) == exponents


def test_the_spread_of_the_draws_is_that_of_refits() -> None:
    law = with_draws(fitted(rows(BASE, 0.002, 3)), 400, 0)
    gamma = law.draws[:, 3] * law.draws[:, 4] / (law.draws[:, 3] + law.draws[:, 4])
    again = []
    for seed in range(60):
        noise = np.random.default_rng(seed).standard_normal(len(law.rows.z)) * 0.002
        z = law.rows.z - law.rows.z + np.log(BASE.loss(*drawn_places(law.rows))) + noise
        theta = fitted(SharedRows(**{**vars(law.rows), "z": z})).theta
        again.append(theta[3] * theta[4] / (theta[3] + theta[4]))
    assert gamma.std() == pytest.approx(np.std(again), rel=0.35)
    assert law.constants == SHIFTED


def drawn_places(of: SharedRows) -> tuple[np.ndarray, np.ndarray]:
    return np.exp(of.x + of.x_mean), np.exp(of.y + of.y_mean)


def test_a_pinned_floor_is_held() -> None:
    law = fitted(rows(BASE, 0.002, 2))
    assert np.exp(law.pinned(1.2).theta[0]) == pytest.approx(1.2)
    assert law.pinned(1.2).objective > law.objective


def test_a_line_of_runs_shows_its_floor_and_exponent() -> None:
    spent = np.tile(np.log([n * d for n, d in LADDER]), 2)
    is_a = np.repeat([1.0, 0.0], len(LADDER))
    loss = 1.7 + np.where(is_a > 0.5, 30.0, 28.0) * np.exp(-0.08 * spent)
    law = fit_line(spent, np.log(loss), is_a, 100, 0)
    assert law is not None
    assert law.floor == pytest.approx(1.7, rel=1e-5)
    assert law.exponent == pytest.approx(0.08, rel=1e-5)
    assert law.with_floor(spent, np.log(loss), is_a, 1.7) == pytest.approx(0.08, rel=1e-6)


def test_two_places_on_a_line_have_the_usual_exponent_and_a_floor_that_fits() -> None:
    spent = np.repeat(np.log([1e17, 1e18]), 8)
    is_a = np.tile([1.0, 0.0], 8)
    rng = np.random.default_rng(0)
    loss = 1.8 + np.where(is_a > 0.5, 1.0, 0.97) * (np.exp(spent) / 1e17) ** -0.17
    law = fit_line(spent, np.log(loss) + 1e-4 * rng.standard_normal(16), is_a, 200, 0)
    assert law is not None
    assert not law.fitted_exponent
    assert law.exponent == pytest.approx(0.17)
    assert law.floor == pytest.approx(1.8, abs=0.01)
    assert np.quantile(law.exponents, [0.05, 0.95]) == pytest.approx([0.17 / 1.78, 0.17 * 1.78], rel=0.02)
    assert fit_line(spent[:8], np.log(loss[:8]), is_a[:8], 200, 0) is None
