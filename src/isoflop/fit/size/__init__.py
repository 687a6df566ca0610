"""Forecasts of the compute-optimal size, by the means of the forecasts of the loss."""

from typing import TYPE_CHECKING

from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.fit.size.backtest import SizeBacktest, size_backtest, sizes_and_backtest
    from isoflop.fit.size.build import SizeForecasterFile, build_size_forecaster
    from isoflop.fit.size.estimators import ESTIMATORS, LABELS
    from isoflop.fit.size.forecast import EstimatedSize, SizeForecast, SizeForecaster
    from isoflop.fit.size.rolling import PastSize

__getattr__ = names_of(
    __name__,
    {
        "backtest": "SizeBacktest size_backtest sizes_and_backtest",
        "build": "SizeForecasterFile build_size_forecaster",
        "estimators": "ESTIMATORS LABELS",
        "forecast": "EstimatedSize SizeForecast SizeForecaster",
        "rolling": "PastSize",
    },
)

__all__ = [
    "ESTIMATORS",
    "LABELS",
    "EstimatedSize",
    "PastSize",
    "SizeBacktest",
    "SizeForecast",
    "SizeForecaster",
    "SizeForecasterFile",
    "build_size_forecaster",
    "size_backtest",
    "sizes_and_backtest",
]
