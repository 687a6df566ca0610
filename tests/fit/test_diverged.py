"""Rows off the surface of the others are left out, each with its reason; honest rows stay, whatever their noise."""

import numpy as np
import pytest

from isoflop.fit import fit_all
from isoflop.fit.diverged import off_surface, without_diverged
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

from .designs import figure_rows

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


def isoflop_design():
    """Five budgets of five sizes, twice as large each."""
    C = np.repeat(np.geomspace(1e18, 1e20, 5), 5)
    N = np.sqrt(C / 120) * np.tile(np.geomspace(0.25, 4, 5), 5)
    return N, C / (6 * N)


def grid_design():
    N = np.repeat(np.geomspace(5e7, 8e8, 5), 3)
    return N, N * np.tile([10, 40, 160], 5)


def scattered_design():
    rng = np.random.default_rng(2)
    return np.exp(rng.uniform(np.log(2e7), np.log(2e9), 60)), np.exp(rng.uniform(np.log(5e8), np.log(1e11), 60))


DESIGNS = [isoflop_design, grid_design, scattered_design]


def losses(design, noise, seed=0, kind="normal"):
    N, D = design()
    rng = np.random.default_rng(seed)
    drawn = {"normal": rng.standard_normal, "t3": lambda n: rng.standard_t(3, n) / np.sqrt(3)}[kind](len(N))
    return N, D, np.asarray(LAW.loss(N, D)) * np.exp(noise * drawn)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("noise", [0.0, 0.001, 0.003, 0.01, 0.03])
@pytest.mark.parametrize("kind", ["normal", "t3"])
def test_honest_rows_stay(design, noise, kind):
    for seed in range(5):
        found = off_surface(*losses(design, noise, seed, kind))
        assert (len(found.left_out), len(found.far)) == (0, 0)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("bad", [2.5, 10.8])
@pytest.mark.parametrize("noise", [0.001, 0.003])
def test_any_row_that_diverged_is_found_and_no_other(design, bad, noise):
    """At every place of the design, its corners included; 10.8 is what guessing among 50,000 tokens loses."""
    N, D, loss = losses(design, noise)
    for i in range(len(N)):
        wrong = loss.copy()
        wrong[i] = bad * loss[i] if bad < 5 else bad
        assert off_surface(N, D, wrong).left_out.tolist() == [i]


@pytest.mark.parametrize("design", DESIGNS)
def test_several_rows_that_diverged(design):
    N, D, loss = losses(design, 0.002)
    bad = np.sort(np.argsort(N / D)[-max(2, len(N) // 10) :])  # the largest models of the fewest tokens
    loss[bad] = 9.0 + 0.3 * np.arange(len(bad))
    assert off_surface(N, D, loss).left_out.tolist() == bad.tolist()


def test_a_loss_far_too_low_is_no_better():
    N, D, loss = losses(isoflop_design, 0.002)
    loss[12] = 0.275
    assert off_surface(N, D, loss).left_out.tolist() == [12]


def test_a_run_that_diverged_takes_its_rows_along():
    N, D, loss = losses(scattered_design, 0.002)
    D = np.concatenate([D, D * 1.5, D * 2])
    N, loss = np.tile(N, 3), np.asarray(LAW.loss(np.tile(N, 3), D)) * np.exp(0.002 * np.sin(np.arange(180)))
    run = np.tile(np.arange(60), 3)
    bad = np.flatnonzero(run == np.argmin(np.abs(N[:60] - np.median(N))))
    loss[bad] *= 2
    assert off_surface(N, D, loss, run).left_out.tolist() == bad.tolist()


def test_more_than_a_quarter_is_not_called_diverged():
    N, D, loss = losses(isoflop_design, 0.002)
    loss[::3] *= 3
    assert not len(off_surface(N, D, loss).left_out)


def test_a_corner_where_the_form_fails_stays():
    """Short runs of large models lie above the law, the more the fewer their tokens, as in Hoffmann et al.'s figure."""
    N, D = (column.ravel() for column in np.meshgrid(np.geomspace(5e7, 6e9, 14), np.geomspace(3e8, 1e11, 14)))
    loss = np.asarray(LAW.loss(N, D)) * np.exp(0.002 * np.random.default_rng(0).standard_normal(len(N)))
    loss *= np.exp(0.2 * np.exp(-D / N))
    assert len(off_surface(N, D, loss).left_out) == 0


def test_the_figure_of_hoffmann_et_al_keeps_all_of_its_rows():
    kept, far = without_diverged(figure_rows(245))
    assert len(kept) == 245
    assert [notice.code for notice in far] == ["far_from_law"]


def test_the_fit_is_that_of_the_other_rows_and_says_so():
    N, D, loss = losses(isoflop_design, 0.002)
    wrong = loss.copy()
    wrong[[18, 19]] = 7.9, 10.4
    with_bad = fit_all(Observations.from_arrays(N=N, D=D, loss=wrong), draws=100)
    keep = ~np.isin(np.arange(25), [18, 19])
    without = fit_all(Observations.from_arrays(N=N[keep], D=D[keep], loss=loss[keep]), draws=100)
    assert with_bad.parametric.law.a == pytest.approx(without.parametric.law.a, rel=1e-9)
    assert with_bad.isoflop.exponents == pytest.approx(without.isoflop.exponents, rel=1e-9)
    dropped = {item.row: item for item in with_bad.observations.dropped}
    assert sorted(dropped) == [19, 20]
    assert {item.code for item in dropped.values()} == {"diverged"}
    assert "loss 7.9 is" in dropped[19].reason
    assert "a smaller run of fewer tokens has" in dropped[20].reason
    (notice,) = [item for item in with_bad.observations.notices if item.code == "diverged_rows"]
    assert "row 19, loss 7.9" in notice.message
    assert notice in with_bad.parametric.notices
