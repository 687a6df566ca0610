"""Forecast against outcome: the sealed forecast of the planned run, and the backtest on the top budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, points, room, whiskers
from isoflop.report.formatting import interval_text, loss_text, moment, percent
from isoflop.report.panel import Absent, Panel
from isoflop.report.style import BLUE, INK, MUTED, SKY
from isoflop.report.view import Interval, View, conventions, pair, plan_of, section
from isoflop.units import format_quantity


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


def draw_forecast(values: Proof, loss_unit: str) -> Drawing:
    """A row a prediction: the interval, the predicted loss and the outcome."""
    rows = [
        ("forecast of the<br>planned model", values.forecast),
        ("backtest: best loss<br>of the held-out budget", values.backtest_best),
    ]
    shown = [(label, one) for label, one in reversed(rows) if one]
    predicted = [one.predicted for _, one in shown]
    limits = [one.interval or (None, None) for _, one in shown]
    bars = whiskers(predicted, [low for low, _ in limits], [high for _, high in limits], BLUE)
    labels = [label for label, _ in shown]
    data = [
        points(
            predicted,
            labels,
            BLUE,
            [_hover(one) for _, one in shown],
            size=10,
            symbol="line-ns",
            outline=BLUE,
            outline_width=3,
            error_x=bars,
        )
    ]
    known = [(label, one) for label, one in shown if one.actual is not None]
    data.append(
        points(
            [one.actual or 0 for _, one in known],
            [label for label, _ in known],
            INK,
            [_hover(one) for _, one in known],
            size=10,
            symbol="diamond",
        )
    )
    seen = (
        predicted
        + [limit for pair in limits for limit in pair if limit is not None]
        + [one.actual for _, one in known if one.actual]
    )
    return Drawing(
        name="forecast",
        describes="Predicted loss with interval against the outcome",
        data=data,
        layout=layout(
            linear_axis(f"validation loss ({loss_unit})", range=room(seen, 0.15)),
            {**linear_axis(""), "type": "category", "showgrid": False, "range": [-0.6, len(shown) - 0.4]},
        ),
        legend=(
            LegendEntry(label="predicted, with interval", colour=BLUE, kind="line"),
            LegendEntry(label="outcome", colour=INK, kind="diamond"),
        ),
        height=130 + 70 * len(shown),
        narrow_height=130 + 70 * len(shown),
    )


def draw_backtest(values: Proof, loss_unit: str) -> Drawing:
    """Predicted against actual loss of each held-out run, with the line where both are equal."""
    rows = [one for one in values.backtest if one.actual is not None]
    predicted, actual = [one.predicted for one in rows], [one.actual or 0.0 for one in rows]
    limits = [one.interval or (None, None) for one in rows]
    around = room(predicted + actual + [limit for pair in limits for limit in pair if limit is not None])
    bars = whiskers(predicted, [low for low, _ in limits], [high for _, high in limits], SKY)
    return Drawing(
        name="backtest",
        describes="Predicted against actual loss of the held-out runs",
        data=[
            line(around, around, MUTED, width=1, dash="dash"),
            points(actual, predicted, BLUE, [_hover(one) for one in rows], error_y=bars),
        ],
        layout=layout(
            linear_axis(f"actual loss ({loss_unit})", range=room(actual, 0.12)),
            linear_axis(f"predicted loss ({loss_unit})", range=around),
        ),
        legend=(
            LegendEntry(label="run of the held-out budget, with interval", colour=BLUE, kind="point"),
            LegendEntry(label="predicted = actual", colour=MUTED, kind="dash"),
        ),
        height=360,
    )


def _hover(one: Prediction) -> str:
    text = one.label if one.params is None else f"{one.label}, N = {format_quantity(one.params)}"
    text += f"<br>predicted {loss_text(one.predicted)}"
    if one.interval:
        text += f" ({interval_text(one.interval, loss_text)})"
    if one.actual is not None and one.error is not None:
        text += f"<br>actual {loss_text(one.actual)}, error {percent(one.error)}"
    return text


_PREDICTED = {
    "before": "What was predicted before the runs",
    "not_begun": "What was predicted before the runs",
    "after": "What was predicted, sealed after the run began: not a forecast",
}
"""{order of seal and run: what the panel shows}."""


def proof_panel(view: View) -> Panel | Absent:
    """The sealed forecast and the backtest against what came."""
    values = proof(view)
    if isinstance(values, Absent):
        return values
    unit = conventions(view)["loss_unit"]
    drawings: list[Drawing] = []
    if values.forecast or values.backtest_best:
        drawings.append(draw_forecast(values, unit))
    if any(row.actual is not None for row in values.backtest):
        drawings.append(draw_backtest(values, unit))
    level = f" Interval of the forecast: {100 * values.forecast_level:g} %." if values.forecast_level else ""
    sealed = f" Sealed {values.sealed}: {values.seal_words}." if values.sealed else ""
    return Panel(
        name="proof",
        short="Forecast",
        title="Forecast against outcome",
        lead=f"{_PREDICTED.get(values.order, 'What was predicted')}, and what came. The backtest holds out the top "
        "budget.",
        drawings=tuple(drawings),
        columns=len(drawings),
        caption=f"Error = predicted / actual − 1.{level}{sealed}",
    )
