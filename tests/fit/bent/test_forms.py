"""Derivatives of the bent forms, and what their posteriors find."""

import numpy as np
import pytest

from isoflop.fit.bent.fit import fit_bent
from isoflop.fit.bent.forms import BENT_FORMS, BentForm
from isoflop.fit.bent.frame import Frame
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.laws import ChinchillaLaw

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


def rows(count: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    C = np.geomspace(1e17, 1e21, count)
    N = LAW.optimum(C)[0] * np.exp(rng.uniform(-1.4, 1.4, count))
    return N, C / (6 * N), C


@pytest.mark.parametrize("form", BENT_FORMS, ids=lambda form: form.name)
def test_tangents_are_the_slopes_of_the_prediction(form: BentForm) -> None:
    N, D, C = rows(9)
    frame = Frame.of(N, D, C)
    points = frame.place(np.log(N), np.log(D), np.log(C))
    mean = form.prior(np.log(LAW.loss(N, D)), frame).mean
    theta = np.append(mean + 0.1, -0.01)
    _, tangents = form.predicted(theta, points)
    for i, step in enumerate(1e-6 * np.eye(len(theta))):
        slope = (form.predicted(theta + step, points)[0] - form.predicted(theta - step, points)[0]) / 2e-6
        np.testing.assert_allclose(tangents[:, i], slope, rtol=1e-5, atol=1e-7)


def test_forms_that_hold_the_law_find_its_best_size() -> None:
    N, D, C = rows()
    fits = fit_bent(
        Frame.of(N, D, C), N, D, C, LAW.loss(N, D), [str(i) for i in range(len(N))], Bend(mean=0.0, sd=0.01)
    )
    true = float(np.log(LAW.optimum(1e23)[0]))
    for item in fits.posteriors[:2]:
        values, gradients = item.at(fits.frame, float(np.log(1e23)))
        sd = float(np.sqrt(gradients[0] @ item.covariance @ gradients[0]))
        assert abs(values[0] - true) < 2 * sd
        assert abs(item.theta[-1]) < 2 * np.sqrt(item.covariance[-1, -1])


def test_rows_of_one_trunk_say_less() -> None:
    N, D, C = rows(24)
    loss = LAW.loss(N, D)
    frame, prior = Frame.of(N, D, C), Bend(mean=0.0, sd=0.01)
    alone = fit_bent(frame, N, D, C, loss, [str(i) for i in range(24)], prior).posteriors[0]
    shared = fit_bent(frame, N, D, C, loss, [str(i // 4) for i in range(24)], prior).posteriors[0]
    # the level of a loss is what branches share their error of
    assert shared.covariance[0, 0] > alone.covariance[0, 0]
