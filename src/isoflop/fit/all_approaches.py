"""All three approaches on the same runs, and how far they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.digest import check_digest, with_digest
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.files import check_shape, decoding, read_json, write_json_atomically
from isoflop.fit.diverged import without_diverged
from isoflop.fit.draws_file import DRAWS_DIGEST, Array, digest_of_draws, read_draws, write_draws
from isoflop.fit.envelope.fit import fit_envelope
from isoflop.fit.envelope.lower_envelope import Curve
from isoflop.fit.forecast.forecast import Forecaster, LossForecast, build_forecaster
from isoflop.fit.forecast.rolling_origin import PastForecast, past_forecasts
from isoflop.fit.forms.fitted import FittedForms, form_fit
from isoflop.fit.forms.form import FormFit
from isoflop.fit.forms.repeated import fit_repeated
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.isoflop.reported_optima import fit_optima
from isoflop.fit.lack_of_fit import LackOfFit, lack_of_fit
from isoflop.fit.listed_rows import rows_as_json
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.fit.result import LEVEL, Approach, Fit, finite_or_none, finite_parts, or_refused
from isoflop.fit.schedule_checks import decay_notices
from isoflop.fit.size import SizeBacktest, SizeForecaster, load_size_forecaster, sizes_and_backtest
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost
from isoflop.observations import Observations
from isoflop.units import format_flops

SCHEMA = 4
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
    forms: tuple[FormFit, ...] = ()
    """Every form of loss surface, fitted to all rows alike; empty where the parametric fit was refused."""
    past: tuple[PastForecast, ...] = ()
    """What each form would have said of later runs from earlier ones."""
    lack_of_fit: LackOfFit | None = None
    """Whether the residuals of the parametric fit trend; None where it was refused."""
    forecaster: Forecaster | None = None
    """For losses of runs to come; None where the parametric fit has no draws."""
    sizes: SizeForecaster | None = None
    """For the best size of budgets to come; None where no approach has draws."""
    size_backtest: SizeBacktest | None = None
    """The best size of the top budget, forecast without it; None where `size_backtest_refused` says why."""
    size_backtest_refused: str = ""
    """Why there is no backtest of the size; empty where there is one."""

    @property
    def fits(self) -> dict[Approach, Fit]:
        """{approach: fit}."""
        return {"parametric": self.parametric, "isoflop": self.isoflop, "envelope": self.envelope}

    def disagreement(self) -> dict[str, dict[str, Any]]:
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

    def predict(self, N: float, D: float, level: float = LEVEL) -> LossForecast:
        """The loss of one run of N parameters and D tokens, with its interval.

        Raises RefusedError with the parametric fit's reason where there is none, or `no_draws`.
        """
        self.parametric.require()
        if self.forecaster is None:
            raise RefusedError("no_draws", "a forecast needs a parametric fit with draws; fit with draws above 0")
        return self.forecaster.forecast(N, D, level)

    def as_json(self) -> dict[str, Any]:
        """The object of `fit --json`, with its digest and that of the draws beside it."""
        body: dict[str, Any] = {
            "schema": SCHEMA,
            "observations": self.observations,
            **{approach: fit.as_json() for approach, fit in self.fits.items()},
            "disagreement": self.disagreement(),
            "forms": [form.as_json() | {"backtest": self._backtest(form.form.name)} for form in self.forms],
            "lack_of_fit": None if self.lack_of_fit is None else self.lack_of_fit.as_json(),
            "past": [item.as_json() for item in self.past],
            "cost": self.cost.as_json(),
            "settings": self.settings,
            "flops_range": list(self.flops_range),
            "rows": [dict(row) for row in self.rows],
            "forecast": None if self.forecaster is None else self.forecaster.as_json(),
            "sizes": None if self.sizes is None else self.sizes.as_json(),
            "size_backtest": None if self.size_backtest is None else self.size_backtest.as_json(),
            "size_backtest_refused": self.size_backtest_refused,
            DRAWS_DIGEST: digest_of_draws(self._arrays()),
        }
        return with_digest(body)

    def _backtest(self, form: str) -> list[dict[str, float]]:
        """[{origin_flops, target_flops, factor, error}] of one form, error = predicted over actual less 1."""
        return [
            {
                "origin_flops": item.origin_flops,
                "target_flops": item.target_flops,
                "factor": item.factor,
                "error": float(np.expm1(item.errors[form])),
            }
            for item in self.past
            if form in item.errors
        ]

    def save(self, path: str | Path) -> Path:
        """Write JSON to `path` and the draws beside it (`.npz`), each atomically; returns `path`.

        Raises InputError where arrays that are no fit's lie beside it.
        """
        file = Path(path)
        write_draws(file, self._arrays())
        write_json_atomically(file, self.as_json())
        return file

    def _arrays(self) -> dict[str, Any]:
        drawn = {str(approach): fit.draws_array() for approach, fit in self.fits.items()}
        arrays: dict[str, Any] = {name: draws for name, draws in drawn.items() if draws is not None}
        return arrays if self.forecaster is None else arrays | self.forecaster.arrays()

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
        from isoflop.fit.file_shape import FitShape

        check_digest(file, data)
        check_shape(data, FitShape, str(file))
        beside = file.with_suffix(".npz")
        draws = read_draws(beside, of=file.name, all_forms=data["forecast"])
        if data.get(DRAWS_DIGEST) not in (None, digest_of_draws(draws)):
            raise InputError(f"{beside}: not the resamples that {file.name} was written with; restore or fit anew")
        with decoding(file):
            return cls._from_json(data, draws)

    @classmethod
    def _from_json(cls, data: dict[str, Any], draws: Mapping[str, Array]) -> FitReport:
        cost = ComputeCost.from_json(data["cost"])
        past = tuple(PastForecast.from_json(item) for item in data["past"])
        fits = {name: Fit.from_json(name, data[name], draws.get(name), cost) for name in APPROACHES}
        forecaster = None
        if data["forecast"]:
            forecaster = Forecaster.from_json(data["forecast"], draws, cost, past)
        sizes = None
        if data["sizes"]:
            sizes = load_size_forecaster(data["sizes"], fits, forecaster, cost)
        return cls(
            observations=data["observations"],
            **fits,
            cost=cost,
            settings=data["settings"],
            flops_range=(float(data["flops_range"][0]), float(data["flops_range"][1])),
            rows=tuple(data.get("rows", ())),
            forms=tuple(form_fit(item) for item in data["forms"]),
            past=past,
            lack_of_fit=LackOfFit.from_json(data["lack_of_fit"]) if data["lack_of_fit"] else None,
            forecaster=forecaster,
            sizes=sizes,
            size_backtest=SizeBacktest.from_json(data["size_backtest"]) if data["size_backtest"] else None,
            size_backtest_refused=data["size_backtest_refused"],
        )


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def fit_all(
    observations: Observations,
    curves: Mapping[str, Curve] | None = None,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 4000,
    seed: int = 0,
    delta: str | float = "published",
    optima: bool = False,
) -> FitReport:
    """All three approaches, and what forms other than the Chinchilla law would say; what refuses says so in its status.

    Raises InputError for a table without rows.
    """
    if not len(observations):
        reasons = "; ".join(f"row {item.row}: {item.reason}" for item in observations.dropped[:5])
        raise InputError(f"observations: expected usable rows, all {observations.rows_read} were dropped ({reasons})")
    observations = replace(observations, notices=(*observations.notices, *decay_notices(observations)))
    if optima:
        return _of_optima(observations.finals(), cost=cost, draws=draws, seed=seed)
    observations, far = without_diverged(observations)
    ends = observations.finals()
    used = ends.fresh()
    if not len(used):
        raise InputError(f"observations: expected rows of fresh text, all {len(ends)} read theirs more than four times")
    parametric = or_refused("parametric", lambda: fit_parametric(used, cost=cost, draws=draws, seed=seed, delta=delta))
    parametric = replace(parametric, warnings=parametric.warnings + far)
    forms: tuple[FormFit, ...] = ()
    past: tuple[PastForecast, ...] = ()
    misfit, forecaster = None, None
    if isinstance(parametric.law, ChinchillaLaw):
        fitted = FittedForms.of(used, parametric.details["delta"], start=parametric.law)
        misfit = finite_or_none(lack_of_fit(used, fitted))
        again, notices = _repeated(ends, parametric.law, fitted.rows.problem.delta)
        forms = tuple(filter(finite_or_none, (*fitted.fits().values(), *again)))
        said = () if misfit is None else misfit.notices()
        parametric = replace(parametric, warnings=(*parametric.warnings, *said, *notices))
        past = tuple(filter(finite_or_none, past_forecasts(used, seed=seed)))
        if parametric.draws is not None:
            forecaster, notices = _forecaster(used, parametric, cost, seed, past)
            parametric = replace(parametric, warnings=(*parametric.warnings, *notices))
    isoflop = or_refused("isoflop", lambda: fit_isoflop(used, cost=cost, draws=draws, seed=seed))
    envelope = or_refused("envelope", lambda: fit_envelope(observations, curves, cost=cost, draws=draws, seed=seed))
    fits: dict[Approach, Fit] = {"parametric": parametric, "isoflop": isoflop, "envelope": envelope}
    sizes = finite_parts(sizes_and_backtest(used, fits, forecaster, cost=cost, seed=seed))
    return FitReport(
        observations=used.as_json(),
        parametric=parametric,
        isoflop=isoflop,
        envelope=envelope,
        cost=cost,
        settings={"draws": draws, "seed": seed, "delta": delta},
        flops_range=(float(used.C.min()), float(used.C.max())),
        rows=() if parametric.ok else rows_as_json(used),
        forms=forms,
        past=past,
        lack_of_fit=misfit,
        forecaster=forecaster,
        **sizes,
    )


def _of_optima(used: Observations, *, cost: ComputeCost, draws: int, seed: int) -> FitReport:
    """The report of rows that are compute optima: one step of approach 2, nothing for the other two."""
    other = RefusedError("optima", "the rows are compute optima: no surface and no curves to fit")
    fits: dict[Approach, Fit] = {
        "parametric": Fit.refused("parametric", other, not_applicable=True),
        "isoflop": or_refused("isoflop", lambda: fit_optima(used, cost=cost, draws=draws, seed=seed)),
        "envelope": Fit.refused("envelope", other, not_applicable=True),
    }
    return FitReport(
        observations=used.as_json(),
        parametric=fits["parametric"],
        isoflop=fits["isoflop"],
        envelope=fits["envelope"],
        cost=cost,
        settings={"draws": draws, "seed": seed, "delta": None, "optima": True},
        flops_range=(float(used.C.min()), float(used.C.max())),
        **finite_parts(sizes_and_backtest(used, fits, None, cost=cost, seed=seed)),
    )


def _repeated(data: Observations, law: ChinchillaLaw, delta: float) -> tuple[tuple[FormFit, ...], tuple[Notice, ...]]:
    """The form of repeated tokens, or why the different tokens that the runs state do not give one."""
    if data.unique_tokens is None:
        return (), ()
    try:
        return (fit_repeated(data, law, delta),), ()
    except RefusedError as error:
        return (), (Notice(code=error.code, message=str(error)),)


def _forecaster(
    data: Observations, fit: Fit, cost: ComputeCost, seed: int, past: tuple[PastForecast, ...]
) -> tuple[Forecaster | None, tuple[Notice, ...]]:
    try:
        made, why = finite_or_none(build_forecaster(data, fit, cost=cost, seed=seed, past=past)), "unbounded numbers"
    except RefusedError as error:
        made, why = None, str(error)
    told = Notice(code="no_forecast", message=f"no intervals of losses to come: {why}")
    return made, () if made is not None else (told,)
