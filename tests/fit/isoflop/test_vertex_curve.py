import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.fit.isoflop.vertex_curve import Bend, VertexCurve, VertexCurveFile

PRIOR = Bend(mean=-0.006, sd=0.012)
X = np.log(np.geomspace(1e18, 1e21, 5))


def _vertices(bend, x=X, slope=0.5):
    return 20 + slope * (x - X.mean()) + bend * (x - X.mean()) ** 2


def _curve(y, errors=0.02, shared=0.0, x=X, prior=PRIOR):
    return VertexCurve.through(x, y, np.full(len(x), errors), np.full(len(x), shared), prior)


@pytest.mark.parametrize("bend", [-0.03, 0.0, 0.02])
def test_sure_vertices_show_their_own_bend(bend):
    curve = _curve(_vertices(bend), errors=1e-3)
    assert curve.bend.mean == pytest.approx(bend, abs=1e-3)
    ahead = np.log(1e22)
    assert curve.log_params(ahead)[0] == pytest.approx(_vertices(bend, ahead), abs=0.03)


def test_unsure_or_few_vertices_leave_the_prior() -> None:
    unsure = _curve(_vertices(0.03), errors=1.0)
    few = _curve(_vertices(0.03)[:2], x=X[:2])
    for curve in (unsure, few):
        assert curve.bend.mean == pytest.approx(PRIOR.mean, abs=2e-3)
        assert curve.bend.sd == pytest.approx(PRIOR.sd, rel=0.05)


def test_draws_have_the_posterior_moments_and_widen_outwards() -> None:
    curve = _curve(_vertices(-0.01))
    at = np.log([3e19, 1e21, 1e22, 1e23])
    drawn = curve.drawn(at, 20_000, np.random.default_rng(0))
    assert drawn.mean(axis=0) == pytest.approx(curve.log_params(at), abs=0.02)
    assert np.all(np.diff(drawn.std(axis=0)) > 0)


def test_a_common_error_moves_all_vertices_and_adds_no_scatter() -> None:
    # Vertices that all lie .2 high are no curve of another shape: only the level is less sure.
    apart, common = _curve(_vertices(0.0), errors=0.02), _curve(_vertices(0.0), errors=0.02, shared=0.2)
    middle = np.array([X.mean()])
    spread = [curve.drawn(middle, 4000, np.random.default_rng(1)).std() for curve in (apart, common)]
    assert spread[1] == pytest.approx(np.hypot(spread[0], 0.2), rel=0.05)
    assert common.bend.sd == pytest.approx(apart.bend.sd, rel=0.02)


def test_coverage_over_the_prior_and_scatter() -> None:
    # Bayesian intervals hold their level over draws of what they assume: 90 % of 400 within four standard errors.
    rng = np.random.default_rng(3)
    ahead, held = np.log(1e22), []
    for _ in range(400):
        bend, scatter = rng.normal(PRIOR.mean, PRIOR.sd), rng.exponential(0.03)
        y = _vertices(bend) + rng.normal(0, np.hypot(0.04, scatter), len(X))
        drawn = _curve(y, errors=0.04).drawn(ahead, 1000, rng)[:, 0]
        low, high = np.quantile(drawn, [0.05, 0.95])
        held.append(low <= _vertices(bend, ahead) <= high)
    assert 0.84 <= np.mean(held) <= 0.96


def test_it_is_saved_and_read_back() -> None:
    curve = _curve(_vertices(-0.01))
    again = from_json(VertexCurveFile, to_json(curve), "curve").curve()
    assert again.bend == curve.bend
    assert again.log_params(50.0) == pytest.approx(curve.log_params(50.0))
