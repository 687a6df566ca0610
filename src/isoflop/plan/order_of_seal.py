"""Which came first, the seal of a forecast or the start of its run: only what was sealed before is a forecast.

A run's starts are recorded in its folder, one after another (`attempts.jsonl`), and each names the forecast that lay
sealed then. So the order is known without a clock: the first start names this forecast, or it does not. Starts of
earlier versions name none; there the times of both are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isoflop.errors import Notice
from isoflop.plan.sealed_forecast import SealedForecast
from isoflop.runs.folder import RunFolder

Order = Literal["not_begun", "before", "after", "unknown"]

NOT_A_FORECAST = "sealed after the run began: not a forecast"
"""The text shown wherever a seal came too late."""


@dataclass(frozen=True, kw_only=True)
class SealOrder:
    """The seal of a forecast against the first start of its run."""

    order: Order
    """`not_begun`: the run has no start yet; `unknown`: what is left of the run does not say."""
    evidence: str
    """How that is known, in a few words."""
    began: float | None = None
    """Unix time of the first start; None where there is none."""

    @property
    def before(self) -> bool | None:
        """Whether the forecast was sealed before the run; None where that is not known."""
        return None if self.order == "unknown" else self.order != "after"

    @property
    def words(self) -> str:
        """The order in words, for tables and the report."""
        if self.order == "after":
            return NOT_A_FORECAST
        return "before the run" if self.before else f"whether before the run is not known: {self.evidence}"

    def notices(self) -> tuple[Notice, ...]:
        """A warning where the seal did not come first, or nobody knows."""
        if self.order == "after":
            return (Notice(code="sealed_after_start", message=f"{NOT_A_FORECAST} ({self.evidence})"),)
        if self.order == "unknown":
            message = f"it is not known whether the forecast was sealed before the run: {self.evidence}"
            return (Notice(code="seal_order_unknown", message=message),)
        return ()


def seal_order(sealed: SealedForecast, run: RunFolder | None) -> SealOrder:
    """Whether `sealed` was there before the first start of `run`, the run that it is of; None: that has no folder.

    Raises InputError where the run's result cannot be read.
    """
    if sealed.forecast.run_id is None:
        return SealOrder(order="unknown", evidence="the forecast names no run")
    if run is None or not run.path.is_dir():
        return SealOrder(order="not_begun", evidence="the run has not begun")
    starts, result = run.attempts(), run.read_result()
    if not starts and result is None and not any(path.exists() for path in (run.metrics, run.checkpoints)):
        return SealOrder(order="not_begun", evidence="the run has not begun")
    if not starts or (result is not None and len(starts) < result.attempts):
        if result is not None and result.finished <= sealed.sealed:
            return SealOrder(order="after", evidence="the run had ended by then")
        return SealOrder(order="unknown", evidence="the first start of the run is not recorded any more")
    first = starts[0]
    if first.forecast is None:  # an earlier version
        return _by_time(sealed.sealed, first.started)
    if first.forecast == sealed.digest:
        return SealOrder(order="before", evidence="the first start of the run names it", began=first.started)
    other = f"names another ({first.forecast[:12]})" if first.forecast else "names none"
    return SealOrder(order="after", evidence=f"the first start of the run {other}", began=first.started)


def _by_time(sealed: float, began: float) -> SealOrder:
    if sealed <= began:
        return SealOrder(order="before", evidence="by the times of seal and first start", began=began)
    late = f"{sealed - began:.0f} s after the first start, by the times of both"
    return SealOrder(order="after", evidence=late, began=began)
