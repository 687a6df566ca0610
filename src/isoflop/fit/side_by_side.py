"""All three approaches on the same runs, and how far they disagree."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.errors import InputError, RefusedError
from isoflop.files import read_json, write_bytes_atomically, write_json_atomically
from isoflop.fit.envelope import Curve, fit_envelope
from isoflop.fit.forecast import Forecast, Forecaster, build_forecaster, predict
from isoflop.fit.isoflop import fit_isoflop
from isoflop.fit.parametric import fit_parametric
from isoflop.fit.result import LEVEL, Approach, Fit
from isoflop.laws import SIX_N, ComputeCost
from isoflop.observations import Observations
from isoflop.units import format_flops

SCHEMA = 1
_NOT_APPLICABLE = ("no_budgets", "no_curves")
APPROACHES: tuple[Approach, ...] = ("parametric", "isoflop", "envelope")


@dataclass(frozen=True, kw_only=True, eq=False)
class FitReport:
    """Three fits of one table."""

    observations: dict[str, Any]
    """What was read, used and dropped: `Observations.as_json()`."""
    parametric: Fit
    """Approach 3."""
    isoflop: Fit
    """Approach 2."""
    envelope: Fit
    """Approach 1."""
    cost: ComputeCost
    """FLOPs per token against N of these runs."""
    settings: dict[str, Any]
    """{draws, seed, delta}: with the observations, all that decides the numbers."""
    flops_range: tuple[float, float]
    """Smallest and largest compute of the rows used."""

    rows: tuple[dict[str, Any], ...] = ()
    """{row, run_id, params, tokens, flops, loss} of the rows used, where no parametric fit lists them as residuals."""
    forecaster: Forecaster | None = None
    """For losses of runs to come; None where the parametric fit has no draws."""

    @property
    def fits(self) -> dict[Approach, Fit]:
        """{approach: fit}."""
        return {"parametric": self.parametric, "isoflop": self.isoflop, "envelope": self.envelope}

    def disagreement(self) -> dict[str, dict[str, float]]:
        """{"params_ratio_at": {FLOPs: largest N_opt over smallest, over the fits there are}} at 1, 10 and 100 times C.

        Empty inside where fewer than two approaches have a law.
        """
        laws = [fit for fit in self.fits.values() if fit.ok]
        ratios = {}
        for factor in (1.0, 10.0, 100.0):
            flops = factor * self.flops_range[1]
            sizes = [fit.optimum(flops)[0] for fit in laws]
            if len(sizes) >= 2:
                ratios[format_flops(flops, 4)] = max(max(pair) / min(pair) for pair in combinations(sizes, 2))
        return {"params_ratio_at": ratios}

    def predict(self, N: float, D: float, level: float = LEVEL) -> Forecast:
        """The loss of one run of N parameters and D tokens, with its interval.

        Raises RefusedError with the parametric fit's reason where there is none, or `no_draws`.
        """
        self.parametric.require()
        if self.forecaster is None:
            raise RefusedError("no_draws", "a forecast needs a parametric fit with draws; fit with draws above 0")
        return predict(self.forecaster, N, D, level)

    def as_json(self) -> dict[str, Any]:
        """The object of `fit --json`."""
        return {
            "schema": SCHEMA,
            "observations": self.observations,
            **{approach: fit.as_json() for approach, fit in self.fits.items()},
            "disagreement": self.disagreement(),
            "cost": self.cost.as_json(),
            "settings": self.settings,
            "flops_range": list(self.flops_range),
            "rows": [dict(row) for row in self.rows],
            "forecast": None if self.forecaster is None else self.forecaster.as_json(),
        }

    def save(self, path: str | Path) -> Path:
        """Write JSON to `path` and the draws beside it (`.npz`), each atomically; returns `path`."""
        file = Path(path)
        drawn: dict[str, Any] = {approach: fit.draws_array() for approach, fit in self.fits.items()}
        arrays = {name: draws for name, draws in drawn.items() if draws is not None}
        if self.forecaster is not None:
            arrays |= self.forecaster.arrays()
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        write_bytes_atomically(file.with_suffix(".npz"), packed.getvalue())
        write_json_atomically(file, self.as_json())
        return file

    @classmethod
    def load(cls, path: str | Path) -> FitReport:
        """The report that `save` wrote. Raises InputError for a file that is missing, broken or of another schema."""
        file = Path(path)
        try:
            data = read_json(file)
        except InputError as error:
            raise InputError(f"{error}; expected a fit made by `isoflop fit FILE --out FIT`") from error
        if not isinstance(data, dict) or data.get("schema") != SCHEMA or "parametric" not in data:
            raise InputError(f"{file}: expected a fit of schema {SCHEMA}; make it again with `isoflop fit --out`")
        draws: dict[str, Any] = {}
        beside = file.with_suffix(".npz")
        if beside.is_file():
            with np.load(beside, allow_pickle=False) as arrays:
                draws = {name: arrays[name] for name in arrays.files}
        cost = ComputeCost.from_json(data["cost"])
        fits = {name: Fit.from_json(name, data[name], draws.get(name), cost) for name in APPROACHES}
        return cls(
            observations=data["observations"],
            **fits,
            cost=cost,
            settings=data["settings"],
            flops_range=(float(data["flops_range"][0]), float(data["flops_range"][1])),
            rows=tuple(data.get("rows", ())),
            forecaster=Forecaster.from_json(data["forecast"], draws, cost)
            if data.get("forecast") and "forecast" in draws
            else None,
        )


def fit_all(
    observations: Observations,
    curves: Mapping[str, Curve] | None = None,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 4000,
    seed: int = 0,
    delta: str | float = "published",
) -> FitReport:
    """All three approaches; one that refuses says so in its status. Raises InputError for a table without rows."""
    if not len(observations):
        reasons = "; ".join(f"row {item.row}: {item.reason}" for item in observations.dropped[:5])
        raise InputError(f"observations: expected usable rows, all {observations.rows_read} were dropped ({reasons})")
    used = observations.finals()
    parametric = _or_refused("parametric", lambda: fit_parametric(used, cost=cost, draws=draws, seed=seed, delta=delta))
    drawn = parametric.ok and parametric.draws is not None
    return FitReport(
        observations=used.as_json(),
        parametric=parametric,
        isoflop=_or_refused("isoflop", lambda: fit_isoflop(used, cost=cost, draws=draws, seed=seed)),
        envelope=_or_refused("envelope", lambda: fit_envelope(observations, curves, cost=cost, draws=draws, seed=seed)),
        cost=cost,
        settings={"draws": draws, "seed": seed, "delta": delta},
        flops_range=(float(used.C.min()), float(used.C.max())),
        rows=() if parametric.ok else _rows(used),
        forecaster=build_forecaster(used, parametric, cost=cost, seed=seed) if drawn else None,
    )


def _or_refused(approach: Approach, fit: Callable[[], Fit]) -> Fit:
    try:
        return fit()
    except RefusedError as error:
        return Fit.refused(approach, error, not_applicable=error.code in _NOT_APPLICABLE)


def _rows(data: Observations) -> tuple[dict[str, Any], ...]:
    columns = zip(data.row, data.run_id, data.N, data.D, data.C, data.loss, strict=True)
    return tuple(
        {"row": int(row), "run_id": run, "params": float(N), "tokens": float(D), "flops": float(C),
         "loss": float(loss) if np.isfinite(loss) else None}
        for row, run, N, D, C, loss in columns
    )  # fmt: skip
