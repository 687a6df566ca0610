"""The noise floor."""

import numpy as np
import pytest

from isoflop.sweep.adaptive import Evidence
from isoflop.sweep.adaptive.noise import Repeats, noise_floor
from sweep.adaptive.sweeps import LAW


def repeated(seeds: int, noise: float) -> Evidence:
    """Four cells, each with as many seeds."""
    N, D = np.repeat([1e7, 2e7, 4e7, 8e7], seeds), np.repeat([4e8, 4e8, 8e8, 8e8], seeds)
    loss = LAW.loss(N, D) * np.exp(np.random.default_rng(0).normal(0, noise, len(N)))
    return Evidence.of(params=N, tokens=D, flops=6 * N * D, loss=loss, seed=list(range(len(N))))


def test_repeats_give_the_floor_whatever_the_fits_leave() -> None:
    floor = noise_floor(Repeats.of(repeated(8, 0.004)), 0.02, 10.0)
    assert floor.repeats == 28
    assert floor.dof == 30
    # of 28 degrees of freedom a standard deviation is known within 13 %; the fits' 2 % counts as two more
    assert floor.sd == pytest.approx(0.004, rel=0.6)


def test_without_repeats_the_scatter_about_the_fits_is_the_floor() -> None:
    floor = noise_floor(Repeats.of(repeated(1, 0.004)), 0.02, 10.0)
    assert (floor.sd, floor.dof, floor.repeats) == (0.02, 10.0, 0)
