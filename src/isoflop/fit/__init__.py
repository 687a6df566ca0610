"""Observations to fits: the three approaches of Hoffmann et al. 2022, with intervals and verdicts."""

from typing import TYPE_CHECKING

from isoflop.faces import make_callable
from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.fit.all_approaches import fit_all
    from isoflop.fit.envelope.fit import fit_envelope
    from isoflop.fit.forecast.backtest import Backtest
    from isoflop.fit.forecast.build import build_forecaster
    from isoflop.fit.forecast.forecast import Forecaster
    from isoflop.fit.forecast.loss_forecast import LossForecast
    from isoflop.fit.isoflop.fit import fit_isoflop
    from isoflop.fit.isoflop.reported_optima import fit_optima
    from isoflop.fit.parametric.fit import fit_parametric
    from isoflop.fit.report import FitReport, FitSettings
    from isoflop.fit.resampling import DRAWS, LEVEL
    from isoflop.fit.result import (
        APPROACHES,
        AnyFit,
        Approach,
        BudgetProfile,
        EnvelopeFit,
        IsoflopFit,
        ParametricFit,
        Refused,
    )
    from isoflop.fit.result.conditions import ConditionGroup, ConditionGroups

__getattr__ = names_of(
    __name__,
    {
        "all_approaches": "fit_all",
        "envelope.fit": "fit_envelope",
        "forecast.backtest": "Backtest",
        "forecast.build": "build_forecaster",
        "forecast.forecast": "Forecaster",
        "forecast.loss_forecast": "LossForecast",
        "isoflop.fit": "fit_isoflop",
        "isoflop.reported_optima": "fit_optima",
        "parametric.fit": "fit_parametric",
        "report": "FitReport FitSettings",
        "resampling": "DRAWS LEVEL",
        "result": "APPROACHES AnyFit Approach BudgetProfile EnvelopeFit IsoflopFit ParametricFit Refused",
        "result.conditions": "ConditionGroup ConditionGroups",
    },
)

__all__ = [
    "APPROACHES",
    "DRAWS",
    "LEVEL",
    "AnyFit",
    "Approach",
    "Backtest",
    "BudgetProfile",
    "ConditionGroup",
    "ConditionGroups",
    "EnvelopeFit",
    "FitReport",
    "FitSettings",
    "Forecaster",
    "IsoflopFit",
    "LossForecast",
    "ParametricFit",
    "Refused",
    "build_forecaster",
    "fit_all",
    "fit_envelope",
    "fit_isoflop",
    "fit_optima",
    "fit_parametric",
]

make_callable(__name__)
