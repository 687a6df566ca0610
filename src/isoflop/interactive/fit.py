"""`isoflop.fit(runs)`: three fits of a table, with what a reader does next as methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

from isoflop.fit import DRAWS, LEVEL, FitReport, fit_all
from isoflop.interactive.answer import AnswerWithFigures
from isoflop.interactive.fit_lines import fit_lines
from isoflop.interactive.frames import Frame, frame_of, interval_columns, residual_columns
from isoflop.interactive.plan import Recipe, plan
from isoflop.logs.fit_rows import fit_rows
from isoflop.logs.fit_source import FitSource
from isoflop.logs.read import Logs
from isoflop.observations import Observations, ReadOptions, read_observations
from isoflop.observations.frames import library_of
from isoflop.plan import (
    Cluster,
    Objectives,
    Plan,
    Prediction,
    Predictions,
    ServingLimit,
    fitted_source,
    observed_cost,
    predict,
)
from isoflop.quantities import Quantities
from isoflop.report.pages import fit_page
from isoflop.report.panel import Page
from isoflop.report.text import fit_text, plain_text, warnings_text
from isoflop.units import Quantity

if TYPE_CHECKING:
    from isoflop.observations.frames import InMemory


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Fit(AnswerWithFigures, FitReport):
    """Three fits of one table, as `isoflop.fit` makes them and `Fit.load` reads them."""

    name: str = "runs"
    """What the runs are called: the file that they come from."""
    library: str = ""
    """Whose frames `intervals` and `residuals` are: that of the runs; empty: of the first that is installed."""

    @classmethod
    def of(cls, report: FitReport, *, name: str = "runs", library: str = "") -> Fit:
        """The fit of `report`."""
        return cls(
            **{field.name: getattr(report, field.name) for field in fields(FitReport)}, name=name, library=library
        )

    def plan(
        self,
        budget: Quantity | None = None,
        *,
        approach: str | None = None,
        level: float = LEVEL,
        loss: Quantity | None = None,
        objective: Objectives | None = None,
        recipe: Recipe = "large",
        cluster: Cluster | str | None = None,
        serving: ServingLimit | None = None,
    ) -> Plan:
        """The plan for a budget by this fit; arguments and errors are those of `isoflop.plan`."""
        return plan(
            budget,
            self,
            approach=approach,
            level=level,
            loss=loss,
            objective=objective,
            recipe=recipe,
            cluster=cluster,
            serving=serving,
        )

    # To a type checker a text is a sequence of texts, too: the first signature that fits is the right one.
    @overload
    def predict(  # type: ignore[overload-overlap]
        self,
        params: Quantity,
        tokens: Quantity,
        *,
        unique_tokens: Quantity | None = None,
        approach: str | None = None,
        level: float = LEVEL,
    ) -> Prediction:
        """The loss of one run."""

    @overload
    def predict(
        self,
        params: Quantity | Quantities,
        tokens: Quantity | Quantities,
        *,
        unique_tokens: Quantity | None = None,
        approach: str | None = None,
        level: float = LEVEL,
    ) -> Predictions:
        """The losses of several runs."""

    def predict(
        self,
        params: Quantity | Quantities,
        tokens: Quantity | Quantities,
        *,
        unique_tokens: Quantity | None = None,
        approach: str | None = None,
        level: float = LEVEL,
    ) -> Prediction | Predictions:
        """The loss of one run, or of each of several where `params` or `tokens` are arrays, as `isoflop.predict`.

        Raises RefusedError where the fit has no law, or its law no loss.
        """
        return predict(fitted_source(self, approach), params, tokens, unique_tokens=unique_tokens, level=level)

    @cached_property
    def intervals(self) -> Frame:
        """The constants, exponents and optima with their intervals, as a frame (`interactive.frames`)."""
        return frame_of(interval_columns(self), self.library)

    @cached_property
    def residuals(self) -> Frame:
        """The rows that were fitted with the loss of the parametric law, as a frame; without the latter where it was
        refused."""
        return frame_of(residual_columns(self), self.library)

    def summary(self, width: int = 80) -> str:
        """What `isoflop fit` prints, with its warnings, in lines of at most `width` characters."""
        parts = [fit_text(self, self.name), warnings_text(self)]
        return "".join(plain_text(part, width) for part in parts if part is not None).rstrip("\n")

    def _page(self) -> Page:
        return fit_page(self, "")

    def lines(self) -> tuple[str, str, str]:
        """The runs and the grade; how the best size grows; the optimum at the largest compute: what `repr` prints."""
        return fit_lines(self)


def fit(
    runs: str | Path | Logs | InMemory,
    options: ReadOptions | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    scale: Mapping[str, str | float] | None = None,
    where: str | Sequence[str] = (),
    params_convention: str | None = None,
    flops_convention: str | None = None,
    loss_unit: str | None = None,
    schedule: str | None = None,
    decimal: str | None = None,
    keep_all: bool = False,
    optima: bool = False,
    params_of: Mapping[str, float] | None = None,
    tokens_per_step: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    delta: str | float = "published",
    pooled: bool = False,
) -> Fit:
    """Scaling laws fitted to runs by three approaches.

    `runs` is a frame of pandas, polars or pyarrow, {column: cells}, a list of records, or the path of a table. A row is
    a run: its parameters, its tokens or FLOPs, and its loss, under any of the usual names of columns. Of the path of a
    training log, or of a folder of logs, the last point of each finished run is a row; `params_of` {run or pattern: N}
    and `tokens_per_step` {run or pattern: tokens} state what logs do not tell. `read_logs` may have read them before.

    `options`, or the keywords from `columns` to `optima` in its place, say how the table is read (`ReadOptions`);
    `draws`, `seed`, `delta` and `pooled` how it is fitted (`fit_all`).

    Raises InputError for what is no table of runs. An approach that cannot answer is refused inside the result.

    >>> import isoflop
    >>> law = isoflop.published_law("besiroglu2024")
    >>> design = [(N, D) for N in (1e8, 2e8, 4e8, 8e8) for D in (2e9, 8e9, 3e10)]
    >>> runs = [{"params": N, "tokens": D, "loss": law.loss(N, D)} for N, D in design]
    >>> isoflop.fit(runs, draws=0).parametric.ok
    True
    """
    read = options or ReadOptions(
        columns=columns or {},
        scale=scale or {},
        where=where,
        params_convention=params_convention,
        flops_convention=flops_convention,
        loss_unit=loss_unit,
        schedule=schedule,
        decimal=decimal,
        keep_all=keep_all,
        optima=optima,
    )
    observations = _observations(runs, read, params_of, tokens_per_step)
    cost = observed_cost(observations)
    report = fit_all(observations, cost=cost, draws=draws, seed=seed, delta=delta, optima=read.optima, pooled=pooled)
    if isinstance(runs, str | Path | Logs):
        return Fit.of(report, name="logs" if isinstance(runs, Logs) else str(runs))
    return Fit.of(report, library=library_of(runs))


def _observations(
    runs: str | Path | Logs | InMemory,
    read: ReadOptions,
    params_of: Mapping[str, float] | None,
    tokens_per_step: Mapping[str, float] | None,
) -> Observations:
    """The rows of a path, of logs that were read before, or of a table in memory."""
    if isinstance(runs, str | Path):
        return FitSource(Path(runs), params=params_of, tokens_per_step=tokens_per_step).observations(read)
    return fit_rows(runs, read, "logs") if isinstance(runs, Logs) else read_observations(runs, read)
