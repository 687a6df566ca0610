"""The parts of a simulated study's view about the best size, in the form that fits write them."""

from __future__ import annotations

from typing import Any

import numpy as np


def simulated_size(flops: float, params: float) -> dict[str, Any]:
    """A forecast of the best size as a plan's JSON has it, one estimator without a weight."""
    names = {
        "isoflop": ("approach 2", 0.86, 0.5),
        "chinchilla": ("Chinchilla form, near the frontier", 1.17, 0.3),
        "coupled": ("coupled form, near the frontier", 1.12, 0.2),
        "parametric": ("approach 3, all rows alike", 1.9, 0.0),
    }
    return {
        "flops": flops,
        "params": params,
        "interval": [params * 0.7, params * 1.4],
        "level": 0.9,
        "extrapolation_factor": 4.0,
        "estimators": [
            {
                "estimator": name,
                "label": label,
                "params": params * times,
                "bent": params * times * 0.95,
                "interval": [params * times * 0.8, params * times * 1.25],
                "weight": weight,
                "reason": "" if weight else "its past forecasts erred more than those of the others",
            }
            for name, (label, times, weight) in names.items()
        ],
        "bend": {"mean": -0.0071, "sd": 0.0112},
        "identified": True,
        "warnings": [],
    }


def left_open(size: dict[str, Any]) -> dict[str, Any]:
    """The same forecast with an interval that does not identify the size, and the notice that goes with it."""
    low, high = size["params"] / 2.5, size["params"] * 2.5
    message = (
        "these runs leave the best size open between 133K and 833K: before the planned run, train five sizes or more "
        "from 41K to 656K at 1e13 FLOPs each"
    )
    notice = {"code": "size_not_identified", "message": message}
    return {**size, "interval": [low, high], "identified": False, "warnings": [notice]}


def simulated_size_backtest(vertex: dict[str, Any]) -> dict[str, Any]:
    """The top budget's vertex came, and a tenth more was forecast."""
    actual = vertex["params"]
    return {
        "held_out_budget_flops": vertex["flops"],
        "factor": 3.3,
        "predicted": 1.1 * actual,
        "interval": [0.86 * actual, 1.44 * actual],
        "level": 0.9,
        "actual": actual,
        "actual_se": 0.09,
        "wasted": 0.012,
        "inside": True,
        "ratio": 1.1,
        "estimators": simulated_size(vertex["flops"], 1.1 * actual)["estimators"],
    }


def simulated_size_band(low: float, flops: float, params: float, tokens: float) -> list[dict[str, Any]]:
    """From `low` FLOPs on, N along C^0.45 to `params` and D along C^0.66 to `tokens` at `flops`; wider the further."""
    points = []
    for c in np.geomspace(low, flops, 9):
        spread = 1.1 * (c / low) ** 0.04
        n, d = params * (c / flops) ** 0.45, tokens * (c / flops) ** 0.66
        points.append(
            {
                "flops": float(c),
                "params": float(n),
                "params_interval": [float(n / spread), float(n * spread)],
                "tokens": float(d),
                "tokens_interval": [float(d / spread), float(d * spread)],
            }
        )
    return points
