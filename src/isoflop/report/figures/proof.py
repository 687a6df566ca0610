"""Forecast against outcome, the backtest, and the planned against the larger model, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.report.view import Absent, Interval, View, pair, plan_of, section
from isoflop.report.wording import moment


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A loss that was predicted before it was known, and what came."""

    label: str
    params: float | None
    tokens: float | None
    predicted: float
    interval: Interval | None
    actual: float | None
    """None while the run is not finished."""

    @property
    def error(self) -> float | None:
        """predicted / actual - 1: positive where the outcome was better (lower) than predicted."""
        return self.predicted / self.actual - 1 if self.actual else None

    @property
    def inside(self) -> bool | None:
        """Whether the outcome lies in the interval; None where either is missing."""
        if self.actual is None or self.interval is None:
            return None
        return self.interval[0] <= self.actual <= self.interval[1]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The sealed forecast and the backtest."""

    forecast: Prediction | None
    forecast_level: float | None
    """Level of the forecast's interval between 0 and 1."""
    sealed: str
    """When the forecast was sealed, to the minute; empty where there is none."""
    order: str
    """`before` the run, `after` it began, `not_begun` or `unknown`; empty in views that do not say."""
    digest: str
    """Digest of the forecast."""
    data_digest: str
    """Digest of the data that the forecast came from; empty where it came from none."""
    backtest: tuple[Prediction, ...]
    """The runs of the held-out budget, small to large."""
    backtest_best: Prediction | None
    """The least loss of the held-out budget, predicted without it."""
    held_out_flops: float | None

    @property
    def late(self) -> bool:
        """Whether the seal came after the run had begun, so that nothing was forecast."""
        return self.order == "after"

    @property
    def seal_words(self) -> str:
        """Whether the seal came before the run, from which data, and its digest; empty where nothing is sealed."""
        if not self.sealed:
            return ""
        when = _WHEN[self.order]
        source = f", from data with digest {self.data_digest[:12]}" if self.data_digest else ""
        return f"{when}{source}; digest of the forecast {self.digest[:12]}"


_WHEN = {
    "before": "before the run",
    "not_begun": "before the run",
    "after": "sealed after the run began: not a forecast",
    "unknown": "whether before the run is not known",
    "": "whether before the run is not known",
}
"""{order: what is said of the seal}."""


def proof(view: View) -> Proof | Absent:
    """What was predicted and what came."""
    forecast, backtest = section(view, "forecast"), section(view, "backtest")
    if not forecast and not backtest:
        return Absent(sentence="Forecast against outcome: nothing was forecast or held out here.")
    plan = plan_of(view)
    rows = [_row(row) for row in backtest.get("rows") or () if row.get("predicted") is not None]
    best = None
    if backtest.get("loss_predicted") is not None:
        best = Prediction(
            label="best loss of the held-out budget",
            params=None,
            tokens=None,
            predicted=backtest["loss_predicted"],
            interval=pair(backtest.get("interval")),
            actual=backtest.get("loss_actual"),
        )
    planned = None
    if forecast.get("loss") is not None:
        planned = Prediction(
            label="planned model",
            params=plan.get("params"),
            tokens=plan.get("tokens"),
            predicted=forecast["loss"],
            interval=pair(forecast.get("interval")),
            actual=forecast.get("actual"),
        )
    return Proof(
        forecast=planned,
        forecast_level=forecast.get("level"),
        sealed=moment(forecast["sealed"]) if forecast.get("sealed") else "",
        order=str((forecast.get("seal_order") or {}).get("order") or ""),
        digest=str(forecast.get("digest") or ""),
        data_digest=str(forecast.get("observations_digest") or ""),
        backtest=tuple(sorted(rows, key=lambda row: row.params or 0)),
        backtest_best=best,
        held_out_flops=backtest.get("held_out_budget_flops"),
    )


def _row(row: Mapping[str, Any]) -> Prediction:
    return Prediction(
        label="held-out run",
        params=row.get("params"),
        tokens=row.get("tokens"),
        predicted=row["predicted"],
        interval=pair(row.get("interval")),
        actual=row.get("actual"),
    )


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One of the two models trained with the final budget."""

    name: str
    """`planned` or `larger`."""
    params: float | None
    """N in the view's convention."""
    tokens: float | None
    flops: float | None
    loss: float | None
    bits_per_byte: float | None
    domains: Mapping[str, float]
    """{domain: bits per byte}."""
    tokens_per_second: float | None
    """Generated tokens a second with a key-value cache, all sequences together."""
    memory_bytes: float | None
    """Bytes to serve it."""
    wall_seconds: float | None
    """Training time."""

    @property
    def tokens_per_param(self) -> float | None:
        """D / N."""
        return self.tokens / self.params if self.tokens and self.params else None


@dataclass(frozen=True, kw_only=True)
class Contest:
    """The planned model against the larger one, at the same compute."""

    planned: Contestant
    larger: Contestant

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains that both were scored on."""
        return tuple(name for name in self.planned.domains if name in self.larger.domains)

    @property
    def advantage(self) -> float | None:
        """Bits per byte of the larger minus those of the planned model: positive where the plan wins."""
        if self.planned.bits_per_byte is None or self.larger.bits_per_byte is None:
            return None
        return self.larger.bits_per_byte - self.planned.bits_per_byte


def contest(view: View) -> Contest | Absent:
    """The two final runs, where both are trained."""
    given = section(view, "contest")
    if not given.get("planned") or not given.get("larger"):
        return Absent(sentence="Planned against larger: the two final runs are not both finished.")
    convention = section(view, "conventions").get("params") or "non_embedding"
    return Contest(
        planned=_contestant("planned", given["planned"], convention),
        larger=_contestant("larger", given["larger"], convention),
    )


def _contestant(name: str, given: Mapping[str, Any], convention: str) -> Contestant:
    params = given.get("params")
    domains = {}
    for domain, value in (given.get("domains") or {}).items():
        score = value.get("bits_per_byte") if isinstance(value, Mapping) else value
        if score is not None:
            domains[str(domain)] = float(score)
    return Contestant(
        name=name,
        params=params.get(convention) if isinstance(params, Mapping) else params,
        tokens=given.get("tokens"),
        flops=given.get("flops"),
        loss=given.get("loss"),
        bits_per_byte=given.get("bits_per_byte"),
        domains=domains,
        tokens_per_second=given.get("tokens_per_second"),
        memory_bytes=given.get("memory_bytes"),
        wall_seconds=given.get("wall_seconds"),
    )
