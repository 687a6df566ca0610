import numpy as np
import pytest

from isoflop.fit.forecast.noise import LocalNoise


def _made(near=0.003, far=0.03, count=400, seed=0):
    rng = np.random.default_rng(seed)
    excess = np.concatenate([rng.uniform(0, 0.05, count), rng.uniform(0.3, 0.5, count)])
    sd = np.where(excess < 0.1, near, far)
    ones = np.ones(2 * count)
    return LocalNoise.of(excess, rng.normal(0, sd), ones, ones)


def test_it_tells_near_from_far():
    noise = _made()
    assert float(noise.at(np.array(0.0))) == pytest.approx(0.003, rel=0.15)
    assert float(noise.at(np.array(0.4))) == pytest.approx(0.03, rel=0.15)
    assert noise.at(np.array([0.0, 0.4, 9.0])).shape == (3,)
    assert float(noise.at(np.array(9.0))) == noise.sd[-1]


def test_few_rows_have_few_degrees_of_freedom():
    rng = np.random.default_rng(1)
    spread = []
    for _ in range(200):
        residuals = rng.normal(0, 0.01, 8)
        one = LocalNoise.of(np.zeros(8), residuals, np.ones(8), np.ones(8))
        assert one.freedom == 3.0
        spread.append(one.sd[0] ** 2)
    # eight rows that kept two degrees of freedom count four times their mean square
    assert np.mean(spread) == pytest.approx(4 * 0.01**2, rel=0.15)


def test_written_and_read_again():
    noise = _made()
    assert LocalNoise.from_json(noise.as_json()) == noise
