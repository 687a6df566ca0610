"""Forecast against outcome: the sealed forecast of the planned run, and the backtest on the top budget."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.plan.order_of_seal import Order
from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, points, room, whiskers
from isoflop.report.formatting import interval_text, loss_text, moment, percent, share_text
from isoflop.report.panel import Absent, Panel
from isoflop.report.plan_record import PlanRecord
from isoflop.report.record import BacktestRecord, ForecastRecord, Interval, StudyRecord
from isoflop.report.style import FORECAST_COLOUR, MUTED, PLANNED_COLOUR, SKY
from isoflop.units import format_quantity


@dataclass(frozen=True, kw_only=True)
class PredictedLoss:
    """A loss that was predicted before it was known, and what came."""

    label: str
    params: float | None = None
    """N of the run; None of a budget's best loss."""
    predicted: float
    interval: Interval | None
    """None where the law has no draws."""
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
class SealedLoss:
    """The forecast of the planned run's loss, and what is known of its seal."""

    loss: PredictedLoss
    level: float | None
    """Level of the interval between 0 and 1; None without an interval."""
    sealed: str
    """When, to the minute."""
    order: Order
    """Whether the seal came before the run."""
    digest: str
    """Digest of the forecast."""
    data_digest: str | None
    """Digest of the data that the forecast came from; None where it came from none."""

    @property
    def late(self) -> bool:
        """Whether the seal came after the run had begun, so that nothing was forecast."""
        return self.order == "after"

    @property
    def seal_words(self) -> str:
        """Whether the seal came before the run, from which data, and its digest."""
        source = f", from data with digest {self.data_digest[:12]}" if self.data_digest else ""
        return f"{_ORDER_WORDS[self.order]}{source}; digest of the forecast {self.digest[:12]}"


_ORDER_WORDS: dict[Order, str] = {
    "before": "before the run",
    "not_begun": "before the run",
    "after": "sealed after the run began: not a forecast",
    "unknown": "whether before the run is not known",
}


@dataclass(frozen=True, kw_only=True)
class HeldOutLosses:
    """The losses of the top budget, predicted without it."""

    flops: float
    """That budget."""
    best: PredictedLoss
    """Its least loss."""
    runs: tuple[PredictedLoss, ...]
    """Its runs, small to large."""


@dataclass(frozen=True, kw_only=True)
class ForecastOutcome:
    """What a study predicted and what came; one part may be missing."""

    sealed: SealedLoss | None
    held_out: HeldOutLosses | None


def forecast_outcome(record: StudyRecord) -> ForecastOutcome | Absent:
    """What was predicted and what came."""
    if record.forecast is None and record.backtest is None:
        return Absent(sentence="Forecast against outcome: nothing was forecast or held out here.")
    return ForecastOutcome(
        sealed=_sealed(record.forecast, record.plan) if record.forecast else None,
        held_out=_held_out(record.backtest) if record.backtest else None,
    )


def _sealed(record: ForecastRecord, plan: PlanRecord | None) -> SealedLoss:
    forecast = record.sealed.forecast
    return SealedLoss(
        loss=PredictedLoss(
            label="planned model",
            params=plan.params if plan else forecast.params,
            predicted=forecast.loss,
            interval=forecast.interval,
            actual=record.score.actual if record.score else None,
        ),
        level=forecast.level,
        sealed=moment(record.sealed.sealed),
        order=record.order.order,
        digest=record.sealed.digest,
        data_digest=forecast.observations_digest,
    )


def _held_out(record: BacktestRecord) -> HeldOutLosses:
    runs = [
        PredictedLoss(
            label="held-out run", params=row.params, predicted=row.predicted, interval=row.interval, actual=row.actual
        )
        for row in sorted(record.rows, key=lambda row: row.params)
    ]
    best = PredictedLoss(
        label="best loss of the held-out budget",
        predicted=record.loss_predicted,
        interval=record.interval,
        actual=record.loss_actual,
    )
    return HeldOutLosses(flops=record.held_out_budget_flops, best=best, runs=tuple(runs))


def draw_forecast(values: ForecastOutcome, loss_unit: str) -> Drawing:
    """A row a prediction: the interval, the predicted loss and the outcome."""
    shown = []
    if values.held_out:
        shown.append(("backtest: best loss<br>of the held-out budget", values.held_out.best))
    if values.sealed:
        shown.append(("forecast of the<br>planned model", values.sealed.loss))
    predicted = [one.predicted for _, one in shown]
    limits = [one.interval or (None, None) for _, one in shown]
    bars = whiskers(predicted, [low for low, _ in limits], [high for _, high in limits], FORECAST_COLOUR)
    labels = [label for label, _ in shown]
    data = [
        points(
            predicted,
            labels,
            FORECAST_COLOUR,
            [_hover(one) for _, one in shown],
            size=10,
            symbol="line-ns",
            outline=FORECAST_COLOUR,
            outline_width=3,
            error_x=bars,
        )
    ]
    known = [(label, one) for label, one in shown if one.actual is not None]
    data.append(
        points(
            [one.actual or 0 for _, one in known],
            [label for label, _ in known],
            PLANNED_COLOUR,
            [_hover(one) for _, one in known],
            size=15,
            symbol="star",
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
            LegendEntry(label="predicted, with interval", colour=FORECAST_COLOUR, kind="line"),
            LegendEntry(label="outcome", colour=PLANNED_COLOUR, kind="star"),
        ),
        height=130 + 70 * len(shown),
        narrow_height=130 + 70 * len(shown),
    )


def draw_backtest(values: HeldOutLosses, loss_unit: str) -> Drawing:
    """Predicted against actual loss of each held-out run, with the line where both are equal."""
    rows = [one for one in values.runs if one.actual is not None]
    predicted, actual = [one.predicted for one in rows], [one.actual or 0.0 for one in rows]
    limits = [one.interval or (None, None) for one in rows]
    around = room(predicted + actual + [limit for pair in limits for limit in pair if limit is not None])
    bars = whiskers(predicted, [low for low, _ in limits], [high for _, high in limits], SKY)
    return Drawing(
        name="backtest",
        describes="Predicted against actual loss of the held-out runs",
        data=[
            line(around, around, MUTED, width=1, dash="dash"),
            points(actual, predicted, FORECAST_COLOUR, [_hover(one) for one in rows], error_y=bars),
        ],
        layout=layout(
            linear_axis(f"actual loss ({loss_unit})", range=room(actual, 0.12)),
            linear_axis(f"predicted loss ({loss_unit})", range=around),
        ),
        legend=(
            LegendEntry(label="run of the held-out budget, with interval", colour=FORECAST_COLOUR, kind="point"),
            LegendEntry(label="predicted = actual", colour=MUTED, kind="dash"),
        ),
        height=360,
    )


def _hover(one: PredictedLoss) -> str:
    text = one.label if one.params is None else f"{one.label}, N = {format_quantity(one.params)}"
    text += f"<br>predicted {loss_text(one.predicted)}"
    if one.interval:
        text += f" ({interval_text(one.interval, loss_text)})"
    if one.actual is not None and one.error is not None:
        text += f"<br>actual {loss_text(one.actual)}, error {percent(one.error)}"
    return text


_PREDICTED: dict[Order, str] = {
    "before": "What was predicted before the runs",
    "not_begun": "What was predicted before the runs",
    "after": "What was predicted, sealed after the run began: not a forecast",
    "unknown": "What was predicted",
}
"""{order of seal and run: what the panel shows}."""


def forecast_panel(record: StudyRecord) -> Panel | Absent:
    """The sealed forecast and the backtest against what came."""
    values = forecast_outcome(record)
    if isinstance(values, Absent):
        return values
    unit = record.conventions.loss_unit
    drawings = [draw_forecast(values, unit)]
    if values.held_out and values.held_out.runs:
        drawings.append(draw_backtest(values.held_out, unit))
    sealed = values.sealed
    level = f" Interval of the forecast: {share_text(sealed.level)}." if sealed and sealed.level else ""
    when = f" Sealed {sealed.sealed}: {sealed.seal_words}." if sealed else ""
    return Panel(
        name="proof",
        short="Forecast",
        title="Forecast against outcome",
        lead=f"{_PREDICTED[sealed.order] if sealed else 'What was predicted'}, and what came. The backtest holds out "
        "the top budget.",
        drawings=tuple(drawings),
        columns=len(drawings),
        caption=f"Error = predicted / actual − 1.{level}{when}",
    )
