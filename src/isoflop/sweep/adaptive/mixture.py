"""The three forms given the rows, mixed at the target: how well N_opt and the loss of the planned run are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.fit.bent.fit import BentFits, excess_factor, fit_bent
from isoflop.fit.bent.forms import BentForm
from isoflop.fit.bent.frame import Frame
from isoflop.fit.bent.posterior import Posterior
from isoflop.fit.forecast.error_model import PUBLIC
from isoflop.fit.size.bend import public_bend
from isoflop.fit.size.weights import PRIOR_TRUST, SizeTrust
from isoflop.sweep.adaptive.decision import NoiseFloor
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.noise import Repeats, noise_floor

FEWEST_ROWS = 4
"""Below it even with the prior there is nothing to fit: the first runs come first."""
_SHARED = 0.5  # of the forms' variance, as in fit/size/forecast.py: they are fitted to the same losses


@dataclass(frozen=True, kw_only=True, eq=False)
class AtTarget:
    """One form at the target."""

    posterior: Posterior
    log_params: float
    log_loss: float
    by_size: Array
    """Gradient of ln N_opt, (constants,)."""
    by_loss: Array
    """Gradient of ln L, (constants,)."""

    @property
    def size_variance(self) -> float:
        """Of ln N_opt, by the rows."""
        return float(self.by_size @ self.posterior.covariance @ self.by_size)

    @property
    def loss_variance(self) -> float:
        """Of ln L, by the rows."""
        return float(self.by_loss @ self.posterior.covariance @ self.by_loss)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """All forms that have an optimum at the target, with their weights there."""

    frame: Frame
    forms: tuple[AtTarget, ...]
    weights: Array
    """(forms,), summing to 1."""
    sd: float
    """Scatter of ln loss of one row near the frontier about the fits."""
    dof: float
    noise: NoiseFloor
    curvature: float
    """kappa: a size off by x in ln N wastes 1 - exp(-kappa x^2) of the compute."""
    log_target: float
    log_largest: float
    """ln C of the largest row."""
    form_error: float

    @property
    def log_params(self) -> float:
        """Best ln N for the target."""
        return float(self.weights @ [form.log_params for form in self.forms])

    @property
    def log_loss(self) -> float:
        """Expected ln L there."""
        return float(self.weights @ [form.log_loss for form in self.forms])

    def distance(self, log_largest: float) -> float:
        """ln of how many times the target lies beyond a largest row."""
        return max(0.0, self.log_target - log_largest)

    def error_of_form(self, log_largest: float) -> float:
        """Variance of ln N_opt that the forms leave, the largest row being at `log_largest`.

        How far the forms differ, as far as noise does not explain it, and FORM_ERROR for each e-fold; both grow with
        the distance, so that a larger row lowers both.
        """
        sizes = np.array([form.log_params for form in self.forms])
        between = float(self.weights @ (sizes - self.log_params) ** 2)
        own = float(self.weights @ [form.size_variance for form in self.forms])
        unexplained = max(0.0, between - (1 - _SHARED) * own)
        now, then = self.distance(self.log_largest), self.distance(log_largest)
        nearer = (then / now) ** 2 if now > 0 else 1.0
        return unexplained * nearer + (self.form_error * then) ** 2

    def waste(self, size_variance: float) -> float:
        """Expected waste where ln N_opt is normal with this variance: 1 - E exp(-kappa x^2), a closed form."""
        return float(1 - 1 / np.sqrt(1 + 2 * self.curvature * size_variance))

    @property
    def within(self) -> float:
        """Variance of ln N_opt(target) by the rows, the mean over forms."""
        return float(self.weights @ [form.size_variance for form in self.forms])

    def loss_error_of_form(self, log_largest: float) -> float:
        """Variance of ln L(target) that the forms leave: that of forecasts of losses (fit/forecast/error_model.py)."""
        return (PUBLIC.error * self.distance(log_largest)) ** 2

    @property
    def loss_variance(self) -> float:
        """Variance of ln L(target): the mean of the forms' own, how far they differ, and the error of form."""
        losses = np.array([form.log_loss for form in self.forms])
        own = float(self.weights @ [form.loss_variance for form in self.forms])
        between = float(self.weights @ (losses - self.log_loss) ** 2)
        return own + between + self.loss_error_of_form(self.log_largest)

    def size_variance(self) -> float:
        """Of ln N_opt(target), the error of form included."""
        return self.within + self.error_of_form(self.log_largest)

    @property
    def reference(self) -> AtTarget:
        """The form of most weight: where the frontier is looked for inside the rows."""
        return self.forms[int(np.argmax(self.weights))]

    def variance_factor(self, log_params: Array, log_tokens: Array, log_flops: Array) -> Array:
        """How many times the variance near the frontier a row at these places counts as (`excess_factor`)."""
        at = self.reference.posterior
        predicted, _ = at.form.predicted(at.theta, self.frame.place(log_params, log_tokens, log_flops))
        best = at.form.log_optima(at.theta, self.frame, log_flops)[1]
        return excess_factor(predicted - best)


def mixture(rows: Evidence, *, target_flops: float, limits: Limits) -> Mixture:
    """The forms fitted to `rows`, mixed at the target.

    Raises RefusedError `too_few_rows` below FEWEST_ROWS rows, `no_optimum` where no form has a best size at the target.
    """
    if len(rows) < FEWEST_ROWS:
        raise RefusedError("too_few_rows", f"an adaptive sweep starts from {FEWEST_ROWS} runs or more, got {len(rows)}")
    frame = Frame.of(rows.params, rows.tokens, rows.flops)
    bend = limits.bend or public_bend(float(rows.flops.max()))
    fits = fit_bent(frame, rows.params, rows.tokens, rows.flops, rows.loss, rows.trunk, bend)
    at_target = (_at_target(item, frame, float(np.log(target_flops))) for item in fits.posteriors)
    found = [item for item in at_target if item is not None]
    if not found:
        raise RefusedError("no_optimum", "no form has a best size at the target; the losses do not fall as they should")
    return _mixed(found, rows, fits, target_flops, limits)


def _mixed(found: list[AtTarget], rows: Evidence, fits: BentFits, target_flops: float, limits: Limits) -> Mixture:
    total = sum(PRIOR_TRUST[form.posterior.form.name] for form in found)
    trust = {form.posterior.form.name: PRIOR_TRUST[form.posterior.form.name] / total for form in found}
    sds = {form.posterior.form.name: float(np.sqrt(form.size_variance)) for form in found}
    weights = SizeTrust(trust=trust, form_error=limits.form_error, dof=1.0).weights(sds)
    return Mixture(
        frame=fits.frame,
        forms=tuple(found),
        weights=np.array([weights[form.posterior.form.name] for form in found]),
        sd=fits.sd,
        dof=fits.dof,
        noise=noise_floor(Repeats.of(rows), fits.sd, fits.dof),
        curvature=_curvature(found[0], fits.frame),
        log_target=float(np.log(target_flops)),
        log_largest=float(np.log(rows.flops.max())),
        form_error=limits.form_error,
    )


def _at_target(posterior: Posterior, frame: Frame, log_target: float) -> AtTarget | None:
    """The form there; None where it has no optimum, or one that the rows leave open altogether."""
    values, gradients = posterior.at(frame, log_target)
    if not (np.all(np.isfinite(values)) and np.all(np.isfinite(gradients))):
        return None
    return AtTarget(
        posterior=posterior,
        log_params=float(values[0]),
        log_loss=float(values[1]),
        by_size=gradients[0],
        by_loss=gradients[1],
    )


def _curvature(form: AtTarget, frame: Frame) -> float:
    """k (alpha + k beta) / 2 of the first form, which is one of sums of powers (laws/tradeoffs.py, wasted_by_size)."""
    law: BentForm = form.posterior.form
    constants = law.law(form.posterior.theta, frame).constants()
    k = float(frame.cost.exponent(np.exp(form.log_params)))
    if "alpha" not in constants:  # the quadratic alone has an optimum: what exponents of .35 give
        return 0.35 * k
    return k * (constants["alpha"] + k * constants["beta"]) / 2
