"""A forecaster of losses as the planner page has it: forms, draws, and the samples of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.fit.forecast.error_model import RunNoise, growth_with_range
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.form_mixture import SAMPLES
from isoflop.fit.forms.table import FORMS
from isoflop.report.planner.packed import Packed


@dataclass(frozen=True, kw_only=True)
class FormData:
    """One form of loss surface, fitted to the forecaster's rows."""

    form: str
    constants: Mapping[str, float]
    draws: Mapping[str, Packed]
    """{constant: resamples}."""
    trust: float
    """Its weight before its own precision at a point."""
    rows: Packed
    """Which resample each sample takes."""


@dataclass(frozen=True, kw_only=True)
class ForecasterData:
    """What forecaster.js needs to give the same intervals as `Forecaster.interval`."""

    forms: tuple[FormData, ...]
    centre: tuple[float, float]
    """The point that the constants of the log-quadratic form are about."""
    bias: float
    bias_sd: float
    bias_power: float
    form_error: float
    noise: RunNoise
    data_range: Mapping[str, tuple[float, float]]
    growth: float
    """`growth_with_range` of the rows' compute."""
    uniforms: Packed
    """Which form each sample takes."""
    errors: tuple[Packed, Packed, Packed]
    """Of the bias, of form and of single runs, in units of their scales, for each sample."""


def forecaster_data(forecaster: Forecaster) -> ForecasterData:
    """Returns the data of `forecaster`."""
    random = np.random.default_rng(forecaster.seed)  # as Forecaster.interval draws them, in its order
    uniforms = Packed.of(random.random(SAMPLES))
    forms = {form.name: form for form in FORMS}
    data = []
    for name, law in forecaster.laws.items():
        drawn = forms[name].stacked(forecaster.draws[name])
        columns = dict(zip(forms[name].constants, drawn.T, strict=True))
        data.append(
            FormData(
                form=name,
                constants=law.constants(),
                draws={constant: Packed.of(column) for constant, column in columns.items()},
                trust=forecaster.errors.weights[name],
                rows=Packed.of(random.integers(len(drawn), size=SAMPLES), "uint16"),
            )
        )
    centres = (forms[name].centre(law) for name, law in forecaster.laws.items())
    low, high = forecaster.data_range["flops"]
    return ForecasterData(
        forms=tuple(data),
        centre=next((centre for centre in centres if centre is not None), (0.0, 0.0)),
        bias=forecaster.errors.bias,
        bias_sd=forecaster.errors.bias_sd,
        bias_power=forecaster.errors.bias_power,
        form_error=forecaster.errors.form_error,
        noise=forecaster.noise,
        data_range=forecaster.data_range,
        growth=growth_with_range(high / low, forecaster.errors.span_power),
        uniforms=uniforms,
        errors=(
            Packed.of(random.standard_normal(SAMPLES)),
            Packed.of(random.standard_t(forecaster.errors.dof, size=SAMPLES)),
            Packed.of(random.standard_t(forecaster.noise.dof, size=SAMPLES)),
        ),
    )
