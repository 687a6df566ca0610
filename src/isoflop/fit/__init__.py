"""Observations -> Fit: the three approaches of Hoffmann et al. 2022, with intervals and verdicts."""

from isoflop.fit.backtest import Backtest
from isoflop.fit.envelope import fit_envelope
from isoflop.fit.forecast import Forecaster, LossForecast, build_forecaster
from isoflop.fit.isoflop import fit_isoflop
from isoflop.fit.optima import fit_optima
from isoflop.fit.parametric import fit_parametric
from isoflop.fit.result import LEVEL, Fit
from isoflop.fit.side_by_side import FitReport, fit_all

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
