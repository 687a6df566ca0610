"""The report of three fits of one table: what was read, the three outcomes, and the forecasters made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, ClassVar, cast

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import Json, JsonObject, PositivePair, Tagged, from_json, to_json
from isoflop.codes import Grade
from isoflop.digest import check_digest, with_digest
from isoflop.errors import InputError, RefusedError
from isoflop.files import decoding, read_json, write_json_atomically
from isoflop.fit.draws_file import DRAWS_DIGEST, digest_of_draws, draws_file_of, read_draws, write_draws
from isoflop.fit.forecast.forecast import Forecaster, ForecasterFile
from isoflop.fit.forecast.loss_forecast import LossForecast
from isoflop.fit.forecast.past_forecast import PastForecast
from isoflop.fit.forms.fitted import FormFile
from isoflop.fit.forms.form import FormFit
from isoflop.fit.grades import approach_grades, fit_grade
from isoflop.fit.lack_of_fit import LackOfFit
from isoflop.fit.listed_rows import ListedRow
from isoflop.fit.resampling import DRAWS, LEVEL
from isoflop.fit.result import Approach, EnvelopeFile, Fits, IsoflopFile, ParametricFile, Refused, RefusedFile
from isoflop.fit.result.conditions import ConditionGroups
from isoflop.fit.size import SizeBacktest, SizeForecaster, SizeForecasterFile
from isoflop.laws import ComputeCost
from isoflop.observations import TableSummary
from isoflop.units import format_flops

SCHEMA = 4
GRADES = ("grade", "grades")
"""Keys of `fit --json` that the file does not have."""


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """With the observations, all that decides the numbers of a report."""

    json_if_set: ClassVar = ("optima", "pooled")

    draws: int = DRAWS
    """Resamples of each approach."""
    seed: int = 0
    """Of the resamples."""
    delta: str | float | None = "published"
    """Huber's, as `fit_parametric` takes it; None where nothing is fitted by it."""
    optima: bool = False
    """Whether the rows are compute optima instead of runs."""
    pooled: bool = False
    """Whether runs of several conditions were to be fitted as one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FitReport(Fits):
    """Three fits of one table."""

    observations: TableSummary
    """What was read, used and dropped."""
    cost: ComputeCost
    """FLOPs per token against N of these runs."""
    settings: FitSettings
    flops_range: tuple[float, float]
    """Smallest and largest compute of the rows used."""
    rows: tuple[ListedRow, ...] = ()
    """The rows used, where no parametric fit lists them as residuals."""
    forms: tuple[FormFit, ...] = ()
    """Every form of loss surface, fitted to all rows with equal weights; empty where the parametric fit was refused."""
    past: tuple[PastForecast, ...] = ()
    """What each form would have forecast of later runs from earlier ones."""
    lack_of_fit: LackOfFit | None = None
    """Whether the residuals of the parametric fit trend; None where it was refused."""
    forecaster: Forecaster | None = None
    """For losses of future runs; None where the parametric fit has no draws."""
    sizes: SizeForecaster | None = None
    """For the best size of future budgets; None where no approach has draws."""
    size_backtest: SizeBacktest | None = None
    """The best size of the top budget, forecast without it; None where `size_backtest_refused` has the reason."""
    size_backtest_refused: str = ""
    """Why there is no backtest of the size; empty where there is one."""
    groups: ConditionGroups | None = None
    """Where the runs mix conditions, each of these; no approach has a law then. None otherwise."""

    @cached_property
    def grade(self) -> Grade:
        """How far the best size of a larger budget may be relied on, and what would raise it."""
        return fit_grade(self)

    @cached_property
    def grades(self) -> dict[Approach, Grade]:
        """{approach: its grade}; approaches that do not apply to these rows are left out."""
        return approach_grades(self)

    def disagreement(self) -> dict[str, float]:
        """{FLOPs: largest N_opt over the smallest, over the fits with a law} at 1, 10 and 100 times the largest C.

        Empty where fewer than two approaches have a law.
        """
        ratios: dict[str, float] = {}
        for factor in (1.0, 10.0, 100.0):
            flops = factor * self.flops_range[1]
            sizes = [fit.optimum(flops)[0] for fit in self.fitted.values()]
            if len(sizes) >= 2:
                ratios[format_flops(flops, 4)] = max(max(pair) / min(pair) for pair in combinations(sizes, 2))
        return ratios

    def forecast_loss(self, N: float, D: float, level: float = LEVEL) -> LossForecast:
        """The loss of one run of N parameters and D tokens, with its interval.

        Raises RefusedError with the parametric fit's reason where there is none, or `no_draws`.
        """
        if isinstance(self.parametric, Refused):
            raise self.parametric.error()
        if self.forecaster is None:
            raise RefusedError("no_draws", "a forecast needs a parametric fit with draws; fit with draws above 0")
        return self.forecaster.forecast(N, D, level)

    def as_json(self) -> JsonObject:
        """The object that `save` writes, with its digest and that of its draws; reading computes the grades."""
        body: JsonObject = {
            "schema": SCHEMA,
            "observations": to_json(self.observations),
            "parametric": self.parametric.as_json(),
            "isoflop": self.isoflop.as_json(),
            "envelope": self.envelope.as_json(),
            "disagreement": {"params_ratio_at": to_json(self.disagreement())},
            "forms": [self._form(form) for form in self.forms],
            "lack_of_fit": to_json(self.lack_of_fit),
            "past": to_json(self.past),
            "cost": to_json(self.cost),
            "settings": to_json(self.settings),
            "flops_range": to_json(self.flops_range),
            "rows": to_json(self.rows),
            "forecast": to_json(self.forecaster),
            "sizes": to_json(self.sizes),
            "size_backtest": to_json(self.size_backtest),
            "size_backtest_refused": self.size_backtest_refused,
            DRAWS_DIGEST: digest_of_draws(self._arrays()),
        }
        if self.groups is not None:
            body["groups"] = to_json(self.groups)
        return cast(JsonObject, with_digest(body))

    def grades_as_json(self) -> JsonObject:
        """{grade: of the whole, grades: {approach: its grade}}, the keys of GRADES."""
        return {"grade": to_json(self.grade), "grades": to_json(self.grades)}

    def _form(self, form: FormFit) -> JsonObject:
        """A form with its past forecasts, error = predicted over actual less 1."""
        past: list[Json] = [
            {
                "origin_flops": item.origin_flops,
                "target_flops": item.target_flops,
                "factor": item.factor,
                "error": float(np.expm1(item.errors[form.form.name])),
            }
            for item in self.past
            if form.form.name in item.errors
        ]
        return {**cast(JsonObject, to_json(form)), "backtest": past}

    def save(self, path: str | Path) -> Path:
        """Write JSON to `path` and the draws next to it (`.npz`), each atomically; returns `path`.

        Raises InputError where arrays that are no fit's lie next to it.
        """
        file = Path(path)
        write_draws(file, self._arrays())
        write_json_atomically(file, self.as_json())
        return file

    def _arrays(self) -> dict[str, Array]:
        """{name in the file of draws: (draws, constants)}."""
        drawn = {str(approach): fit.draws_array() for approach, fit in self.fitted.items()}
        arrays = {name: draws for name, draws in drawn.items() if draws is not None}
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
        # `fit --json` prints these with the report; they follow from it, and no file of `save` has them
        data = {key: part for key, part in data.items() if key not in GRADES}
        check_digest(file, data)
        stored = from_json(_StoredFits, data, f"{file}: not a fit as isoflop writes it; restore it, or fit again")
        draws_file = draws_file_of(file)
        draws = read_draws(draws_file, of=file.name, forms=() if stored.forecast is None else stored.forecast.laws)
        if data.get(DRAWS_DIGEST) not in (None, digest_of_draws(draws)):
            raise InputError(
                f"{draws_file}: not the resamples that {file.name} was written with; restore both files, or fit again"
            )
        with decoding(file):
            return cls._from_stored(stored, draws)

    @classmethod
    def _from_stored(cls, stored: _StoredFits, draws: Mapping[str, Array]) -> FitReport:
        cost = stored.cost
        fits = stored.fits(draws, cost)
        forecaster = None
        if stored.forecast is not None:
            forecaster = stored.forecast.forecaster(draws, cost, stored.past)
        sizes = None
        if stored.sizes is not None:
            sizes = stored.sizes.forecaster(fits, forecaster, cost)
        return cls(
            observations=stored.observations,
            parametric=fits.parametric,
            isoflop=fits.isoflop,
            envelope=fits.envelope,
            cost=cost,
            settings=stored.settings,
            flops_range=stored.flops_range,
            rows=stored.rows,
            forms=tuple(saved.fit() for saved in stored.forms),
            past=stored.past,
            lack_of_fit=stored.lack_of_fit,
            forecaster=forecaster,
            sizes=sizes,
            size_backtest=stored.size_backtest,
            size_backtest_refused=stored.size_backtest_refused,
            groups=stored.groups,
        )


@dataclass(frozen=True, kw_only=True)
class _StoredFits:
    """What the file of a report holds."""

    parametric: Annotated[ParametricFile | RefusedFile, Tagged("status")]
    isoflop: Annotated[IsoflopFile | RefusedFile, Tagged("status")]
    envelope: Annotated[EnvelopeFile | RefusedFile, Tagged("status")]
    observations: TableSummary
    cost: ComputeCost
    settings: FitSettings
    flops_range: PositivePair
    rows: tuple[ListedRow, ...] = ()
    size_backtest_refused: str
    past: tuple[PastForecast, ...]
    forecast: ForecasterFile | None
    sizes: SizeForecasterFile | None
    lack_of_fit: LackOfFit | None
    forms: tuple[FormFile, ...]
    size_backtest: SizeBacktest | None
    groups: ConditionGroups | None = None

    def fits(self, draws: Mapping[str, Array], cost: ComputeCost) -> Fits:
        """The three outcomes with their `draws` {approach: (draws, constants)}."""
        parametric, isoflop, envelope = self.parametric, self.isoflop, self.envelope
        return Fits(
            parametric=(
                parametric.refusal("parametric")
                if isinstance(parametric, RefusedFile)
                else parametric.fit(draws.get("parametric"), cost)
            ),
            isoflop=(
                isoflop.refusal("isoflop")
                if isinstance(isoflop, RefusedFile)
                else isoflop.fit(draws.get("isoflop"), cost)
            ),
            envelope=(
                envelope.refusal("envelope")
                if isinstance(envelope, RefusedFile)
                else envelope.fit(draws.get("envelope"), cost)
            ),
        )
