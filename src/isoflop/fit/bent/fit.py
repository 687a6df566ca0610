"""All three bent forms fitted to the same rows, with the scatter about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.bent.forms import BENT_FORMS, Gaussian
from isoflop.fit.bent.frame import Frame, correlation
from isoflop.fit.bent.posterior import Posterior, Sample, posterior
from isoflop.fit.bent.scatter import NOISE, scatter
from isoflop.fit.forecast.past_forecast import PROXIMITY
from isoflop.fit.isoflop.vertex_curve import Bend

_ROUNDS = 3  # of noise and fit in turn, each taking the other as known; a fourth moves the noise by less than 1 %
_NARROWEST = 1e-6  # sd of a bend that is known: no division by zero


@dataclass(frozen=True, kw_only=True, eq=False)
class BentFits:
    """The forms given the rows."""

    frame: Frame
    posteriors: tuple[Posterior, ...]
    """In the order of BENT_FORMS."""
    sd: float
    """Scatter of ln loss of one row near the frontier."""
    dof: float
    """Degrees of freedom of it."""


def excess_factor(excess: Array) -> Array:
    """How many times the variance near the frontier a row counts as that lies `excess` in ln loss above it.

    A row PROXIMITY above the frontier counts half, as in the forecasts of losses (fit/forecast/rolling_origin.py):
    those far above it are fitted worse.
    """
    return np.asarray(1.0 + (np.maximum(np.nan_to_num(excess), 0.0) / PROXIMITY) ** 2)


def fit_bent(
    frame: Frame, params: Array, tokens: Array, flops: Array, loss: Array, run: Sequence[str], bend: Bend
) -> BentFits:
    """The posteriors of all forms from rows (rows,), those of one `run` sharing part of their noise.

    `bend` is the prior of the bend.
    """
    log_loss, log_flops = np.log(loss), np.log(flops)
    points = frame.place(np.log(params), np.log(tokens), log_flops)
    shared = correlation(run)
    priors = [_with_bend(form.prior(log_loss, frame), bend) for form in BENT_FORMS]
    factor, sd, dof = np.ones(len(log_loss)), NOISE, 1.0
    found: list[Posterior] = []
    for _ in range(_ROUNDS):
        scale = sd * np.sqrt(factor)
        sample = Sample(points=points, log_loss=log_loss, covariance=shared * np.outer(scale, scale))
        starts: Sequence[Array | None] = [item.theta for item in found] or [None] * len(BENT_FORMS)
        found = [
            posterior(form, sample, prior, start) for form, prior, start in zip(BENT_FORMS, priors, starts, strict=True)
        ]
        # of the two forms of sums of powers the better: what both leave is the noise
        root = np.linalg.cholesky(shared * np.sqrt(np.outer(factor, factor)))
        sd, dof = min(scatter(np.linalg.solve(root, item.residuals), item.used) for item in found[:2])
        first = found[0]
        best = first.form.log_optima(first.theta, frame, log_flops)[1]
        factor = excess_factor(first.residuals + log_loss - best)
    return BentFits(frame=frame, posteriors=tuple(found), sd=sd, dof=dof)


def _with_bend(prior: Gaussian, bend: Bend) -> Gaussian:
    return Gaussian(mean=np.append(prior.mean, bend.mean), sd=np.append(prior.sd, max(bend.sd, _NARROWEST)))
