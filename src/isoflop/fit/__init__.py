"""Observations -> Fit: the three approaches of Hoffmann et al. 2022, with intervals and verdicts."""

from isoflop.fit.all_approaches import FitReport, fit_all
from isoflop.fit.envelope.fit import fit_envelope
from isoflop.fit.forecast.backtest import Backtest
from isoflop.fit.forecast.forecast import Forecaster, LossForecast, build_forecaster
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.isoflop.reported_optima import fit_optima
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.fit.result import LEVEL, Fit

__all__ = [
    "LEVEL",
    "Backtest",
    "Fit",
    "FitReport",
    "Forecaster",
    "LossForecast",
    "build_forecaster",
    "fit_all",
    "fit_envelope",
    "fit_isoflop",
    "fit_optima",
    "fit_parametric",
]
