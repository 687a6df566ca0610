"""Plan and prove compute-optimal training of language models.

The names below are the public interface. Each is imported when first used, so that `import isoflop` is instant.

>>> import isoflop
>>> plan = isoflop.plan("5.76e23", "besiroglu2024")
>>> f"{plan.params:.3g} parameters on {plan.tokens:.3g} tokens"
'7.22e+10 parameters on 1.33e+12 tokens'
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

# Rooms that are functions too: `isoflop.fit(runs)`, and `from isoflop.fit import FitReport`; see faces.py.
_CALLABLE_ROOMS = ("compare", "fit", "ledger", "plan", "watch")

_HOMES = {
    "Architecture": "isoflop.arch",
    "FLOPS_CONVENTIONS": "isoflop.arch",
    "PARAMS_CONVENTIONS": "isoflop.arch",
    "flops_per_token": "isoflop.arch",
    "published_model": "isoflop.arch.published",
    "nearest_shape": "isoflop.arch.shapes",
    "InputError": "isoflop.errors",
    "IsoflopError": "isoflop.errors",
    "Notice": "isoflop.errors",
    "RefusedError": "isoflop.errors",
    "RecipeComparison": "isoflop.interactive.compare",
    "ForecastLedger": "isoflop.interactive.ledger",
    "RunUnderWay": "isoflop.interactive.watch",
    "hardware_named": "isoflop.hardware",
    "measure_machine": "isoflop.hardware",
    "LargeRecipe": "isoflop.large_recipe",
    "ChinchillaLaw": "isoflop.laws",
    "ComputeCost": "isoflop.laws",
    "FrontierLaw": "isoflop.laws",
    "published_law": "isoflop.laws",
    "published_names": "isoflop.laws",
    "EnvelopeFit": "isoflop.fit",
    "FitReport": "isoflop.fit",
    "Forecaster": "isoflop.fit",
    "IsoflopFit": "isoflop.fit",
    "ParametricFit": "isoflop.fit",
    "Refused": "isoflop.fit",
    "fit_all": "isoflop.fit",
    "Fit": "isoflop.interactive.fit",
    "LogOptions": "isoflop.logs",
    "LoggedRun": "isoflop.logs",
    "final_table": "isoflop.logs",
    "read_logs": "isoflop.logs",
    "Observations": "isoflop.observations",
    "ReadOptions": "isoflop.observations",
    "read_observations": "isoflop.observations",
    "Cluster": "isoflop.plan",
    "FixedParams": "isoflop.plan",
    "FixedRatio": "isoflop.plan",
    "FixedTokens": "isoflop.plan",
    "Forecast": "isoflop.plan",
    "InferenceDemand": "isoflop.plan",
    "LawSource": "isoflop.plan",
    "LimitedData": "isoflop.plan",
    "Plan": "isoflop.plan",
    "Prediction": "isoflop.plan",
    "Predictions": "isoflop.plan",
    "ServingLimit": "isoflop.plan",
    "TrainingOnly": "isoflop.plan",
    "find_layout": "isoflop.plan",
    "fitted_source": "isoflop.plan",
    "flops_for_loss": "isoflop.plan",
    "load_forecast": "isoflop.plan",
    "make_plan": "isoflop.plan",
    "observed_cost": "isoflop.plan",
    "predict": "isoflop.plan",
    "published_source": "isoflop.plan",
    "score": "isoflop.plan",
    "seal": "isoflop.plan",
}

__all__ = ["__version__", *_CALLABLE_ROOMS, *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    """The public name `name`, imported now. Raises AttributeError for another."""
    if name in _CALLABLE_ROOMS:
        return import_module(f"isoflop.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'isoflop' has no attribute {name!r}; public names: {', '.join(__all__)}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
